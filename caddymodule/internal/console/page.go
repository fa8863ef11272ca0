package console

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// page cuts what the query asks for out of a whole list. The cursor names the
// last row that was given, so that rows which come and go meanwhile are neither
// given twice nor left out; if that very row went, its place in the list serves.
func page[T any](k *call, all []T, key func(T) string) (rows []T, next string, err error) {
	limit, err := k.limit()
	if err != nil {
		return nil, "", err
	}
	cursor, err := k.cursor()
	if err != nil {
		return nil, "", err
	}
	from, err := after(cursor, all, key)
	if err != nil {
		return nil, "", err
	}
	to := min(from+limit, len(all))
	if to < len(all) {
		next = encodeCursor(to, key(all[to-1]))
	}
	return all[from:to], next, nil
}

func after[T any](cursor string, all []T, key func(T) string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	place, last, err := decodeCursor(cursor)
	if err != nil {
		return 0, err
	}
	if place <= len(all) && key(all[place-1]) == last {
		return place, nil
	}
	for i := range all {
		if key(all[i]) == last {
			return i + 1, nil
		}
	}
	return min(place, len(all)), nil
}

func encodeCursor(place int, key string) string {
	return base64.RawURLEncoding.EncodeToString(append(strconv.AppendInt(nil, int64(place), 10), ":"+key...))
}

func decodeCursor(s string) (place int, key string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	number, key, ok := strings.Cut(string(raw), ":")
	place, bad := strconv.Atoi(number)
	if err != nil || !ok || bad != nil || place < 1 {
		return 0, "", badParameter("cursor", "what an earlier answer gave as next")
	}
	return place, key, nil
}
