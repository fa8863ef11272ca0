package simulator

import (
	"errors"
	"io"
	"net/http"
)

// read reads the request body into the exchange's buffer. False means that the request is already answered: 413 when
// the body is larger than Options.MaxBody, nothing when the client broke off.
func (x *exchange) read() bool {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return true
	}
	limited := http.MaxBytesReader(x.w, x.r.Body, x.s.opts.MaxBody)
	if n := x.r.ContentLength; n > int64(cap(x.body)) && n <= x.s.opts.MaxBody {
		x.body = make([]byte, 0, n+1)
	}
	var err error
	x.body, err = readAll(limited, x.body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		x.understand()
		x.keep()
		x.refuse(apiError{status: http.StatusRequestEntityTooLarge})
		return false
	}
	return err == nil
}

// readAll appends everything r has to b.
func readAll(r io.Reader, b []byte) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}
