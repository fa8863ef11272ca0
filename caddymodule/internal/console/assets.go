package console

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed web
var web embed.FS

// asset is a file of the page, as it is and compressed.
type asset struct {
	kind   string
	data   []byte
	packed func() []byte
}

// kinds are the types of file a page may have. A table of our own: the system's
// differs from machine to machine, and a module script of the wrong type does
// not run.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// loadAssets returns the page's files by the exact path they are served at: the
// index at /, everything below assets/ under its own name. Nothing else is
// served, and no path is ever looked up in a file system. It is done once for
// the process; a file is compressed when it is first asked for.
var loadAssets = sync.OnceValues(func() (map[string]asset, error) {
	out := map[string]asset{}
	err := fs.WalkDir(web, "web", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		at, kind := "/"+name[len("web/"):], kinds[path.Ext(name)]
		if at == "/index.html" {
			at = "/"
		}
		if kind == "" || !public(at) {
			return nil
		}
		data, err := web.ReadFile(name)
		data = lean(path.Ext(name), data)
		out[at] = asset{kind, data, sync.OnceValue(func() []byte { return pack(data) })}
		return err
	})
	return out, err
})

// lean takes away what browsers do not read: indentation, and lines that are
// comments as a whole. Every line stays where it is, so that an error in the
// browser names the line of the source. No literal may go over several lines.
func lean(ext string, data []byte) []byte {
	out := make([]byte, 0, len(data))
	for line := range bytes.Lines(data) {
		text := bytes.TrimSpace(line)
		switch {
		case ext == ".js" && bytes.HasPrefix(text, []byte("//")), ext == ".css" && bytes.HasPrefix(text, []byte("/*")) && bytes.HasSuffix(text, []byte("*/")):
		default:
			out = append(out, text...)
		}
		out = append(out, '\n')
	}
	return out
}

func pack(data []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a good one
	_, _ = w.Write(data)                                  // memory takes everything
	_ = w.Close()
	return b.Bytes()
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h, data := w.Header(), a.data
	h.Set("Content-Type", a.kind)
	h.Set("Vary", "Accept-Encoding")
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		data = a.packed()
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(data) // the caller is gone
	}
}

// takesGzip reports whether the caller names gzip among what it takes (RFC 9110
// section 12.5.3). Whoever gives it a weight of zero does not.
func takesGzip(r *http.Request) bool {
	for offer := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, _ := strings.Cut(offer, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			_, q, _ := strings.Cut(weight, "=")
			n, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return weight == "" || err == nil && n > 0
		}
	}
	return false
}
