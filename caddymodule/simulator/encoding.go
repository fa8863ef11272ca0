package simulator

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// encode compresses body in the way the fault names and says so in the header.
func (x *exchange) encode(body []byte) []byte {
	var out bytes.Buffer
	name := string(x.fault.Kind)
	var w io.WriteCloser
	switch x.fault.Kind {
	case Brotli:
		w = brotli.NewWriter(&out)
	case Zstd:
		w, _ = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	case UnknownEncoding:
		x.w.Header().Set("Content-Encoding", "sim")
		return body
	default:
		name, w = "gzip", gzip.NewWriter(&out)
	}
	w.Write(body)
	w.Close()
	x.w.Header().Set("Content-Encoding", name)
	b := out.Bytes()
	if x.fault.Kind == GzipCorrupt {
		b[len(b)-6] ^= 0xff // the checksum stands before the length, both four bytes
	}
	return b
}

// sendBomb sends blanks that are a thousand times their size when unpacked.
func (x *exchange) sendBomb() {
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Content-Encoding", "gzip")
	x.wire.header(http.StatusOK)
	z, _ := gzip.NewWriterLevel(x.w, gzip.BestCompression)
	defer z.Close()
	blanks := bytes.Repeat([]byte(" "), 1<<16)
	for range x.fault.bytes(100_000_000) / len(blanks) {
		if _, err := z.Write(blanks); err != nil || x.ctx.Err() != nil {
			return
		}
	}
}
