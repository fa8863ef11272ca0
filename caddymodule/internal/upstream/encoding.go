package upstream

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// freeBytes is how much may come out of a compressed answer before the ratio
// counts, because small texts compress well.
const freeBytes = 1 << 20

// ErrRatio says that an answer decompresses to far more than it is: a bomb.
var ErrRatio = errors.New("the answer decompresses to too many times its size (limits.decompression)")

// Decode makes a.Body the uncompressed body if the provider compressed its
// answer though identity was asked for. maxRatio is how many bytes one
// compressed byte may become. An encoding it does not know is an error.
func (a *Answer) Decode(maxRatio int) error {
	encoding := strings.ToLower(strings.TrimSpace(a.Header.Get("Content-Encoding")))
	if encoding == "" || encoding == "identity" {
		return nil
	}
	in := &counter{r: a.Body}
	out, err := decoder(encoding, in)
	if err != nil {
		return &EncodingError{Encoding: encoding, Err: err}
	}
	a.Header.Del("Content-Encoding")
	a.Header.Del("Content-Length")
	a.Body = &bounded{in: in, out: out, encoding: encoding, ratio: int64(maxRatio)}
	return nil
}

// EncodingError says that a compressed answer cannot be read.
type EncodingError struct {
	Encoding string
	Err      error
}

// Error names the encoding and what is wrong.
func (e *EncodingError) Error() string {
	return fmt.Sprintf("content-encoding %q: %v", e.Encoding, e.Err)
}

// Unwrap returns the cause.
func (e *EncodingError) Unwrap() error { return e.Err }

// Reason returns the result code of logs and metrics.
func (e *EncodingError) Reason() string { return "encoding" }

func decoder(encoding string, r io.Reader) (io.Reader, error) {
	switch encoding {
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	case "br":
		return brotli.NewReader(r), nil
	case "zstd":
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, err
		}
		return d, nil
	}
	return nil, errors.New("unknown")
}

type counter struct {
	r io.Reader
	n int64
}

// Read counts what it reads.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded reads decompressed bytes as long as their ratio to the compressed
// ones is sane.
type bounded struct {
	in       *counter
	out      io.Reader
	given    int64
	ratio    int64
	encoding string
}

// Read reads decompressed bytes.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.out.Read(p)
	b.given += int64(n)
	if b.given > freeBytes && b.given > b.in.n*b.ratio {
		return 0, &EncodingError{Encoding: b.encoding, Err: ErrRatio}
	}
	var transport *Error
	if err != nil && err != io.EOF && !errors.As(err, &transport) {
		err = &EncodingError{Encoding: b.encoding, Err: err}
	}
	return n, err
}
