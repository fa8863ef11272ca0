package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"debug/buildinfo"
	"encoding/json"
)

// packed is a file of an archive.
type packed struct {
	name string
	mode fs.FileMode
	data []byte
}

// pack makes the archive of one platform: a zip for Windows, else a tar.gz.
func pack(source, binary, name string, at time.Time) (archive []byte, extension string, err error) {
	files, err := contents(source, binary, name)
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	if strings.HasSuffix(binary, ".exe") {
		err = writeZip(&out, files, at)
		return out.Bytes(), ".zip", err
	}
	err = writeTar(&out, files, at)
	return out.Bytes(), ".tar.gz", err
}

// contents lists what goes into an archive, in the order of the names.
func contents(source, binary, name string) ([]packed, error) {
	data, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	files := []packed{{path.Join(name, filepath.Base(binary)), 0o755, data}}
	for _, part := range []string{"README.md", "deploy", "examples", "schema/aimux.schema.json"} {
		err := filepath.WalkDir(filepath.Join(source, part), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(file, ".go") {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(source, file)
			files = append(files, packed{path.Join(name, filepath.ToSlash(relative)), 0o644 | info.Mode().Perm()&0o111, data})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(files, func(a, b packed) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

func writeTar(out *bytes.Buffer, files []packed, at time.Time) error {
	zipped := gzip.NewWriter(out)
	w := tar.NewWriter(zipped)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: at, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func writeZip(out *bytes.Buffer, files []packed, at time.Time) error {
	w := zip.NewWriter(out)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
		header.SetMode(f.mode)
		entry, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.data); err != nil {
			return err
		}
	}
	return w.Close()
}

// The part of SPDX 2.3 that a list of modules needs.
type (
	spdx struct {
		Version       string         `json:"spdxVersion"`
		License       string         `json:"dataLicense"`
		ID            string         `json:"SPDXID"`
		Name          string         `json:"name"`
		Namespace     string         `json:"documentNamespace"`
		Creation      creation       `json:"creationInfo"`
		Packages      []material     `json:"packages"`
		Relationships []relationship `json:"relationships"`
	}
	creation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	material struct {
		ID       string      `json:"SPDXID"`
		Name     string      `json:"name"`
		Version  string      `json:"versionInfo"`
		Location string      `json:"downloadLocation"`
		Analyzed bool        `json:"filesAnalyzed"`
		External []reference `json:"externalRefs,omitempty"`
	}
	reference struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	relationship struct {
		From string `json:"spdxElementId"`
		Type string `json:"relationshipType"`
		To   string `json:"relatedSpdxElement"`
	}
)

// billOfMaterials lists the modules a binary was really linked from.
func billOfMaterials(binary, name string, at time.Time) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	bill := spdx{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name,
		Namespace: "https://github.com/aimux/aimux/spdx/" + name,
		Creation:  creation{Created: at.Format(time.RFC3339), Creators: []string{"Tool: aimux release"}},
	}
	modules := append([]*debug.Module{{Path: info.Main.Path, Version: info.Main.Version}, {Path: "stdlib", Version: info.GoVersion}}, info.Deps...)
	for _, m := range modules {
		if m.Replace != nil {
			m = m.Replace
		}
		id := "SPDXRef-" + strings.Map(spdxRune, m.Path)
		bill.Packages = append(bill.Packages, material{
			ID: id, Name: m.Path, Version: m.Version, Location: "NOASSERTION",
			External: []reference{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + m.Path + "@" + m.Version}},
		})
		bill.Relationships = append(bill.Relationships, relationship{"SPDXRef-DOCUMENT", "DESCRIBES", id})
	}
	out, err := json.MarshalIndent(bill, "", " ")
	return append(out, '\n'), err
}

// spdxRune keeps what an SPDX identifier may hold.
func spdxRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
		return r
	}
	return '-'
}
