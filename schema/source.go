package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
)

// Options say what to load. The zero value loads an empty document, with nothing
// in the environment.
type Options struct {
	// Path is the user's file. Empty, with no Data: an empty document.
	Path string
	// Data, when not nil, is read instead of the file; Path then only names it.
	Data []byte
	// Format is toon, json or yaml. Default: by the extension of Path.
	Format string
	// Overrides is the path of overrides.toon, which aimux itself writes. A file
	// that does not exist is an empty one, one that others may have written is
	// refused. FromJSON ignores it.
	Overrides string
	// OverridesData, when not nil, is read instead of that file.
	OverridesData []byte
	// Environ is the environment as os.Environ returns it. Nil: no environment, and
	// references to variables are not checked.
	Environ []string
	// Known is what the provider catalogue knows. Zero: kinds and models are not
	// checked.
	Known Known
}

// Result is a configuration and what is known about it.
type Result struct {
	Config *Config
	// Raw is file and overrides, merged and upgraded, without defaults and
	// environment, as JSON: what is embedded in Caddy's JSON and read again by
	// FromJSON. It holds references to secrets, never secrets.
	Raw json.RawMessage
	// Positions tells by JSON pointer where each value was written. It is empty for
	// documents of thousands of values, whose problems and warnings still say where.
	Positions map[string]Position
	// Layers tells by JSON pointer which layer each value is from: LayerDefault,
	// LayerFile, LayerOverrides, or "env " and the name of a variable.
	Layers map[string]string
	// Warnings are doubts that do not keep the configuration from being used.
	Warnings []Problem
	// EnvUsed lists the environment variables that had a part in it, sorted:
	// AIMUX_ settings and variables keys were found in.
	EnvUsed []string

	tree map[string]any // the effective document
}

// parseEmbedded parses a document whose lines mean nothing to the user.
func parseEmbedded(raw json.RawMessage, path string) (*document, Problems) {
	file := ""
	if path != "" {
		file = filepath.Base(path)
	}
	if len(raw) == 0 || string(raw) == "null" {
		raw = json.RawMessage("{}")
	}
	doc, ps := parse(raw, JSON, file)
	for i := range ps {
		ps[i].Line, ps[i].Column = 0, 0
	}
	if doc != nil {
		doc.find = func(string) place { return place{} }
	}
	return doc, ps
}

// loaded is a document, or why there is none.
type loaded struct {
	doc      *document
	problems Problems
}

func emptyDocument(file string) *document {
	return &document{file: file, root: &node{kind: kindObject}}
}

func (o Options) load() loaded {
	file := filepath.Base(o.Path)
	if o.Path == "" {
		file = ""
		if o.Data == nil {
			return loaded{doc: emptyDocument("")}
		}
	}
	format := o.Format
	if format == "" {
		var err error
		if format, err = FormatOf(o.Path); err != nil {
			return loaded{problems: Problems{{File: file, Msg: "the format is not known", Hint: "a name ends in .toon, .json or .yaml"}}}
		}
	}
	data := o.Data
	if data == nil {
		var err error
		if data, err = readConfigFile(o.Path); err != nil {
			return loaded{problems: Problems{{File: o.Path, Msg: "reading the configuration: " + err.Error()}}}
		}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return loaded{problems: Problems{{File: file, Line: 1, Column: 1, Msg: "the document is empty", Hint: "it may have been caught while being saved; an empty configuration is written version: 1"}}}
	}
	doc, ps := parse(data, format, file)
	return loaded{doc, ps}
}

func (o Options) loadOverrides() loaded {
	if o.Overrides == "" && o.OverridesData == nil {
		return loaded{doc: emptyDocument("")}
	}
	data, err := o.OverridesData, error(nil)
	if data == nil {
		data, err = readOverridesFile(o.Overrides)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return loaded{doc: emptyDocument("")}
	}
	if err != nil {
		return loaded{problems: Problems{{File: o.Overrides, Msg: "reading the overrides: " + err.Error()}}}
	}
	if o.OverridesData == nil && len(bytes.TrimSpace(data)) == 0 {
		return loaded{problems: Problems{{File: o.Overrides, Line: 1, Column: 1, Msg: "the file of overrides is empty, as aimux never writes it",
			Hint: "put the one before back, which lies beside it with a ~ after its name, or delete the file to do without"}}}
	}
	doc, ps := parse(data, TOON, filepath.Base(cmp.Or(o.Overrides, "overrides.toon")))
	return loaded{doc, ps}
}
