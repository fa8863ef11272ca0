package console

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strconv"
)

//go:embed web
var web embed.FS

// asset is a file of the page.
type asset struct {
	kind string
	data []byte
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
// served, and no path is ever looked up in a file system.
func loadAssets() (map[string]asset, error) {
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
		out[at] = asset{kind, data}
		return err
	})
	return out, err
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.data)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(a.data) // the caller is gone
	}
}
