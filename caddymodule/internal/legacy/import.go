package legacy

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
)

// Options say how to import. The zero value works.
type Options struct {
	// Catalogue is what the providers are looked up in. Default: the embedded one.
	Catalogue *provider.Cat
	// Known is what the new document is checked against. Zero: kinds and models are
	// not checked.
	Known schema.Known
	// Now is when the import takes place. Default: the present time.
	Now time.Time
	// DryRun is noted in the report. Import itself never writes.
	DryRun bool
	// Taken reports whether the vault already has a key with an id. Nil: it has none.
	Taken func(id string) bool
}

// Result is what an import found.
type Result struct {
	Report *Report
	// Document is the new configuration, aimux.toon; nil if no provider was found. It
	// names the keys by their ids in the vault.
	Document []byte
	// Keys are the keys to put into the vault before the document is used.
	Keys []Key
}

// Import reads the old configurations at paths, which are files and directories,
// and makes one of the present language. It changes nothing. A path that does not
// exist is an error; a file that cannot be read or understood is an entry of the
// report, and the others are read. An error about the new document comes with what
// was found.
func Import(paths []string, o Options) (*Result, error) {
	m := newMerger(o)
	s := &search{visit: &m.importer, want: mayBeOld}
	for _, p := range paths {
		if err := s.walk(p); err != nil {
			return nil, err
		}
	}
	drafts := m.readAll()
	m.merge(drafts)
	return m.finish(m.wish(drafts))
}

// newMerger makes an importer of nothing yet.
func newMerger(o Options) *merger {
	if o.Catalogue == nil {
		o.Catalogue = provider.Catalogue()
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	return &merger{owner: map[*oldProvider]*merged{}, recovered: map[string]bool{}, importer: importer{
		options: o, catalogue: o.Catalogue, taken: map[string]bool{}, variables: map[string]string{},
		report: &Report{Created: o.Now.UTC(), DryRun: o.DryRun, Files: []FileReport{}, Entries: []Entry{}, Keys: []KeyReport{}},
	}}
}

// importer reads the files.
type importer struct {
	options   Options
	catalogue *provider.Cat
	report    *Report
	files     []found
	taken     map[string]bool   // ids given to keys
	variables map[string]string // keys of environment files by variable
	unowned   []*Key
}

func (im *importer) file(f found) { im.files = append(im.files, f) }

func (im *importer) refuse(path, why string) {
	im.report.Entries = append(im.report.Entries, Entry{Verdict: Refused, File: path, Why: why})
}

func (im *importer) entry(v Verdict, where place, now, why string) {
	im.report.Entries = append(im.report.Entries, Entry{v, where.file, where.line, where.at, now, why})
}

func (im *importer) note(f found, line int, why string) {
	im.entry(Noted, place{file: f.shown, line: line}, "", why)
}

// readAll reads the files in the order in which their word counts.
func (im *importer) readAll() []*draft {
	slices.SortStableFunc(im.files, func(a, b found) int { return a.age() - b.age() })
	im.files = slices.CompactFunc(im.files, func(a, b found) bool { return a.shown == b.shown })
	var drafts []*draft
	for _, f := range im.files {
		if d := im.read(f); d != nil {
			drafts = append(drafts, d)
		}
	}
	return drafts
}

// read reads one file: nil if there is nothing of aimux in it.
func (im *importer) read(f found) *draft {
	if f.name == "encryption.key" {
		im.note(f, 0, "the key of the old encryption; nothing that it encrypted can be opened")
		return nil
	}
	root, format, defects, err := parse(f.name, f.data)
	dialect := ""
	if err == nil {
		dialect = dialectOf(root, format)
		if format == "environment file" {
			dialect = dialectEnv
		}
	}
	if dialect == "" && !f.asked && !im.telling(f, err) {
		return nil // some other program's file
	}
	im.report.Files = append(im.report.Files, FileReport{f.shown, dialect, f.size})
	for _, d := range defects {
		im.note(f, d.line, d.msg)
	}
	d := &draft{file: f.shown, dialect: dialect}
	switch {
	case err != nil:
		im.entry(Refused, place{file: f.shown}, "", err.Error())
	case dialect == "":
		im.note(f, 0, "not a configuration of any version of aimux")
	case dialect == dialectCache || dialect == dialectCurrent:
		im.note(f, 0, "nothing in it is to be migrated")
		return d
	default:
		im.follow(d, root)
	}
	if err != nil || dialect == "" || len(defects) > 0 {
		im.salvage(d, f)
	}
	return d
}

// telling reports whether a file nobody named and nobody understands is worth a
// word: one with a name that only configurations had.
func (im *importer) telling(f found, err error) bool {
	switch f.name {
	case "config.json", "config.json.backup", "production-config.json", "aimux-config.json", "default.json":
		return true
	}
	return err != nil && isEnvName(f.name)
}

// follow reads the document field by field.
func (im *importer) follow(d *draft, root *node) {
	r := &reading{im.report, d}
	switch d.dialect {
	case dialectEnv:
		r.environment(root, im.catalogue)
		im.remember(root)
	case dialectClaude:
		env := root.get("env")
		r.environment(env, im.catalogue)
	default:
		r.document(root)
	}
}

// remember keeps the keys of environment files for the fields that name them.
func (im *importer) remember(root *node) {
	for _, m := range root.members {
		if j := judge(m.value.text); j.verdict == usable && m.value.used {
			im.variables[m.name] = j.value
		}
	}
}

// salvage looks for keys by their shape in a file that could not be read whole.
func (im *importer) salvage(d *draft, f found) {
	have := map[string]bool{}
	for _, p := range d.providers {
		for _, k := range p.keys {
			have[k.value] = true
		}
	}
	for _, hit := range keysIn(f.data) {
		value := hit.secret.Reveal()
		im.report.secrets.hide(value)
		if hit.kind == "" || have[value] {
			continue
		}
		have[value] = true
		where := place{f.shown, hit.Line, ""}
		im.entry(Noted, where, "", "a key found by its shape, where the file could not be read")
		d.providers = append(d.providers, &oldProvider{
			name: hit.kind, dialect: d.dialect, where: where, keys: []oldKey{{value: value, where: where}},
		})
	}
}

// finish writes and checks the document and seals the report.
func (m *merger) finish(w wishes) (*Result, error) {
	out := &Result{Report: m.report}
	for _, g := range m.list {
		for _, k := range g.keys {
			out.Keys = append(out.Keys, *k)
		}
	}
	for _, k := range m.unowned {
		out.Keys = append(out.Keys, *k)
	}
	for _, k := range out.Keys {
		m.report.Keys = append(m.report.Keys, KeyReport{k.ID, k.Provider, k.Origin, Mask(k.Secret.Reveal()), k.From})
	}
	err := m.write(out, w)
	m.report.arrange()
	m.report.seal()
	return out, err
}

// write makes the document and loads it as a user's would be.
func (m *merger) write(out *Result, w wishes) error {
	if len(m.list) == 0 {
		return nil
	}
	document, err := m.document(w)
	if err != nil {
		return err
	}
	loaded, err := schema.Load(schema.Options{Data: document, Path: "aimux.toon", Known: m.options.Known})
	if err != nil {
		return fmt.Errorf("checking the new document: %w", err)
	}
	for _, p := range loaded.Warnings {
		m.report.Warnings = append(m.report.Warnings, p.String())
	}
	out.Document = document
	return nil
}

// Write writes the document to a file, which must not exist unless replace is set;
// then its old contents stay beside it with a ~ after the name.
func (r *Result) Write(path string, replace bool) error {
	if r.Document == nil {
		return errors.New("writing the new configuration: no provider was found")
	}
	if _, err := os.Lstat(path); err == nil && !replace {
		return fmt.Errorf("writing the new configuration: %s is already there", path)
	}
	return schema.WriteAtomic(path, r.Document)
}
