package upstream

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func compress(t *testing.T, encoding, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		w, _ = zstd.NewWriter(&out)
	}
	io.WriteString(w, text)
	w.Close()
	return out.Bytes()
}

func answer(encoding string, body []byte) *Answer {
	return &Answer{Header: http.Header{"Content-Encoding": {encoding}}, Body: bytes.NewReader(body)}
}

func TestDecode_ReadsEveryKnownEncoding(t *testing.T) {
	for _, encoding := range []string{"gzip", "br", "zstd"} {
		a := answer(encoding, compress(t, encoding, "plain text"))
		if err := a.Decode(200); err != nil {
			t.Fatal(encoding, err)
		}
		got, err := io.ReadAll(a.Body)
		if err != nil || string(got) != "plain text" || a.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %q, %v, header %v", encoding, got, err, a.Header)
		}
	}
}

func TestDecode_RefusesBombsCorruptionAndTheUnknown(t *testing.T) {
	bomb := compress(t, "gzip", strings.Repeat("\x00", 64<<20))
	flipped := compress(t, "gzip", strings.Repeat("text ", 100))
	flipped[len(flipped)-6] ^= 1
	for name, a := range map[string]*Answer{
		"bomb": answer("gzip", bomb), "wrong checksum": answer("gzip", flipped),
		"not gzip": answer("gzip", []byte("plain")), "unknown": answer("compress", []byte("x")),
	} {
		err := a.Decode(200)
		if err == nil {
			_, err = io.Copy(io.Discard, a.Body)
		}
		var bad *EncodingError
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
