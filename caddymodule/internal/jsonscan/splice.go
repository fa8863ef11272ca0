package jsonscan

import "io"

// Splice returns a reader of data with the bytes from start to end replaced by
// insert, and how many bytes it will give. It copies nothing; data and insert
// must stay unchanged while it is read.
func Splice(data []byte, start, end int, insert []byte) (io.Reader, int64) {
	r := &splice{parts: [3][]byte{data[:start], insert, data[end:]}}
	return r, int64(start + len(insert) + len(data) - end)
}

type splice struct {
	parts [3][]byte
	next  int
}

// Read copies from the parts in turn.
func (r *splice) Read(p []byte) (int, error) {
	n := 0
	for r.next < len(r.parts) && n < len(p) {
		c := copy(p[n:], r.parts[r.next])
		n += c
		if r.parts[r.next] = r.parts[r.next][c:]; len(r.parts[r.next]) == 0 {
			r.next++
		}
	}
	if n == 0 && r.next == len(r.parts) {
		return 0, io.EOF
	}
	return n, nil
}

// AppendString appends s as a JSON string.
func AppendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
