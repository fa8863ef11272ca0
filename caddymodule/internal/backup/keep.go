package backup

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Keep says which backups are kept. The zero value keeps the last 3, the last of
// each of 7 days and the last of each of 4 weeks.
type Keep struct {
	Last, Daily, Weekly int
}

// Expired returns the backups, by the times they were made, that are not to be kept.
// Days and weeks are those of UTC that have a backup, the newest first. The newest
// backup never expires. The order of made does not matter and is not changed.
func Expired(made []time.Time, keep Keep) []time.Time {
	if keep == (Keep{}) {
		keep = Keep{Last: 3, Daily: 7, Weekly: 4}
	}
	sorted := slices.Clone(made)
	slices.SortFunc(sorted, func(a, b time.Time) int { return b.Compare(a) })
	days, weeks := map[string]bool{}, map[string]bool{}
	var expired []time.Time
	for i, t := range sorted {
		year, week := t.UTC().ISOWeek()
		stays := i < max(keep.Last, 1)
		stays = first(days, t.UTC().Format(time.DateOnly), keep.Daily) || stays
		stays = first(weeks, fmt.Sprint(year, "-", week), keep.Weekly) || stays
		if !stays {
			expired = append(expired, t)
		}
	}
	return expired
}

// first reports whether a period is seen for the first time, among the first n.
func first(seen map[string]bool, period string, n int) bool {
	if seen[period] || len(seen) >= n {
		return false
	}
	seen[period] = true
	return true
}

// The name of a scheduled backup: aimux-20261122T010203Z.tar.age.
const (
	namePrefix = "aimux-"
	nameTime   = "20060102T150405Z"
	nameEnd    = ".tar.age"
)

// FileName returns the name of a backup made at a time.
func FileName(made time.Time) string { return namePrefix + made.UTC().Format(nameTime) + nameEnd }

// Made returns when a backup was made, from its name.
func Made(name string) (time.Time, bool) {
	text, ok := strings.CutSuffix(name, nameEnd)
	if text, ok2 := strings.CutPrefix(text, namePrefix); ok && ok2 {
		t, err := time.Parse(nameTime, text)
		return t, err == nil
	}
	return time.Time{}, false
}

// List returns when the backups in a directory were made, the newest first. Other
// files are passed over.
func List(dir string) ([]time.Time, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing backups: %w", err)
	}
	var made []time.Time
	for _, e := range entries {
		if t, ok := Made(e.Name()); ok && e.Type().IsRegular() {
			made = append(made, t)
		}
	}
	slices.SortFunc(made, func(a, b time.Time) int { return cmp.Compare(b.Unix(), a.Unix()) })
	return made, nil
}

// Rotate deletes the backups of a directory that are not to be kept and returns
// their names.
func Rotate(dir string, keep Keep) (removed []string, err error) {
	made, err := List(dir)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, t := range Expired(made, keep) {
		name := FileName(t)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, name)
	}
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("deleting old backups: %w", err)
	}
	return removed, nil
}
