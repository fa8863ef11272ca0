package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Load reads, merges and checks a configuration. Its error is *Problems and holds
// everything that is wrong. A secret that cannot be found is only a warning here:
// the configuration may be loaded in one place and served in another.
func Load(o Options) (*Result, error) {
	p := newPipeline(o)
	p.add(o.load(), LayerFile)
	p.add(o.loadOverrides(), LayerOverrides)
	return p.run()
}

// FromJSON completes a document embedded by Load (Result.Raw) with the present
// environment, in the process that will serve it. A secret that cannot be found
// is a problem. Its error is *Problems.
func FromJSON(raw json.RawMessage, o Options) (*Result, error) {
	p := newPipeline(o)
	p.checker.strict = true
	doc, ps := parseEmbedded(raw, o.Path)
	p.add(loaded{doc, ps}, LayerFile)
	return p.run()
}

// pipeline is one run through the stages.
type pipeline struct {
	options  Options
	merger   *merger
	checker  checker
	result   *Result
	problems Problems
	written  bool // whether any layer but the defaults says anything
}

func newPipeline(o Options) *pipeline {
	p := &pipeline{options: o, merger: newMerger(), result: &Result{}}
	p.checker.known = o.Known
	if o.Environ != nil {
		p.checker.env, p.checker.envNames = lookupEnv(o.Environ)
	}
	return p
}

// add upgrades a document and lays it over the layers before.
func (p *pipeline) add(l loaded, layer string) {
	p.problems = append(p.problems, l.problems...)
	if len(l.problems) > 0 || l.doc == nil {
		return
	}
	warnings, problems := upgrade(l.doc, steps())
	p.problems = append(p.problems, problems...)
	for _, f := range rootSpec().crowded(l.doc.root.plain(), "") {
		at := l.doc.place(f.pointer).value
		p.problems = append(p.problems, Problem{File: at.File, Line: at.Line, Column: at.Column, Pointer: f.pointer, Msg: f.msg})
	}
	p.result.Warnings = append(p.result.Warnings, l.doc.warnings...)
	if layer == LayerFile {
		p.result.Warnings = append(p.result.Warnings, warnings...)
	}
	if len(p.problems) > 0 {
		return
	}
	if layer == LayerOverrides {
		l.doc.dropVersion() // every layer is of the present version by now
		p.keepDiscovering(l.doc)
	}
	if err := p.merger.loadDocument(l.doc, layer); err != nil {
		p.problems = append(p.problems, Problem{File: l.doc.file, Msg: err.Error()})
	}
}

// keepDiscovering makes overrides refine what is found in the environment, rather
// than replace it, where the user's own file leaves the choice to the
// environment.
func (p *pipeline) keepDiscovering(overrides *document) {
	if overrides.root.get("discover") != nil || namesNothing(overrides.root.plainObject()) {
		return
	}
	file := p.merger.tree()
	if _, said := file["discover"]; said || !namesNothing(file) {
		return
	}
	overrides.root.fields = append(overrides.root.fields, field{key: "discover", value: &node{kind: kindBool, truth: true}})
}

// run goes through the stages after loading. What could not be parsed, or is of
// an unknown version, ends it at once: nothing more can be said about it.
func (p *pipeline) run() (*Result, error) {
	if len(p.problems) > 0 {
		return nil, p.problems.asError()
	}
	tree := p.merger.tree()
	var err error
	if p.result.Raw, err = json.Marshal(tree); err != nil {
		return nil, p.failed("embedding the configuration", err)
	}
	p.written = len(tree) > 1 || tree["version"] != int64(Version)
	if p.environment(tree) {
		tree, p.written = p.merger.tree(), true
	}
	p.resolve(tree)
	findings, err := p.validate(tree)
	if err != nil {
		return nil, p.failed("validating the configuration", err)
	}
	p.fillDefaults(tree)
	p.check(tree, findings)
	if len(p.problems) > 0 {
		return nil, p.problems.asError()
	}
	return p.finish(tree)
}

// failed makes a problem of an error that no document should cause.
func (p *pipeline) failed(doing string, err error) error {
	return append(p.problems, Problem{Msg: doing + ": " + err.Error()}).asError()
}

// environment lays the AIMUX_ variables over the files, whose tree is given, and
// says whether it changed anything.
func (p *pipeline) environment(files map[string]any) bool {
	kinds := slices.Collect(p.options.Known.names())
	e := readEnvironment(p.options.Environ, files, kinds)
	p.problems = append(p.problems, e.problems...)
	p.result.Warnings = append(p.result.Warnings, e.warnings...)
	p.result.EnvUsed = e.used()
	if len(e.assignments) == 0 {
		return false
	}
	if err := p.merger.load(e, e.origin); err != nil {
		p.problems = append(p.problems, Problem{Msg: "reading the environment: " + err.Error()})
	}
	return true
}

func (p *pipeline) resolve(tree map[string]any) {
	r := resolver{tree: tree, known: p.options.Known, env: p.checker.env}
	r.resolve()
	maps.Copy(p.merger.origins, r.origins)
	p.result.EnvUsed = append(p.result.EnvUsed, r.used...)
	slices.Sort(p.result.EnvUsed)
	p.result.EnvUsed = slices.Compact(p.result.EnvUsed)
	p.result.Config = &Config{Implicit: r.implicit}
}

func (p *pipeline) fillDefaults(tree map[string]any) {
	rootSpec().fillDefaults(tree, "", func(pointer string) {
		p.merger.origins[pointer] = origin{layer: LayerDefault}
	})
}

// validate checks the merged document against the schema, before the defaults
// are filled in: those are as the schema itself has them. Where nothing was
// written there is nothing to check, and the schema stays uncompiled.
func (p *pipeline) validate(tree map[string]any) ([]finding, error) {
	if !p.written {
		return nil, nil
	}
	return validate(tree, memberNames(tree, map[string]bool{}))
}

// check applies the rules to the whole document, and says where it and findings,
// the schema's, went wrong.
func (p *pipeline) check(tree map[string]any, findings []finding) {
	p.checker.tree = tree
	p.checker.isSet = func(pointer string) bool {
		from, ok := p.merger.origins[pointer]
		return ok && from.layer != LayerDefault
	}
	p.checker.check()
	p.problems = append(p.problems, p.locateAll(append(findings, p.checker.problems...), "problems")...)
	p.result.Warnings = append(p.result.Warnings, p.locateAll(p.checker.warnings, "warnings")...)
}

// maxFindings is how many problems, and how many warnings, are reported; one
// mistake in the head of a long table is a problem in each of its rows.
const maxFindings = 100

// locateAll says where findings were written, the first of them in the order of
// the document if they are very many.
func (p *pipeline) locateAll(findings []finding, what string) Problems {
	slices.SortFunc(findings, byPointer)
	more := len(findings) - maxFindings
	findings = findings[:min(len(findings), maxFindings)]
	out := make(Problems, 0, len(findings)+1)
	for _, f := range findings {
		located := p.locate(f)
		if f.also != "" {
			located.Msg += ", first at " + cmp.Or(p.locate(finding{pointer: f.also}).where(), f.also)
		}
		out = append(out, located)
	}
	if more > 0 {
		rest := out[maxFindings-1]
		rest.Msg, rest.Hint = fmt.Sprintf("… and %d more %s after this one", more, what), ""
		out = append(out, rest)
	}
	return out
}

// locate says where a finding was written: at the value or its key, or, for
// something that is missing, at what it is missing from.
func (p *pipeline) locate(f finding) Problem {
	out := Problem{Pointer: f.pointer, Msg: f.msg, Hint: f.hint}
	at := f.pointer
	from := p.merger.origins[at]
	for from.doc == nil && from.variable == "" && at != "" {
		at = parentPointer(at)
		from = p.merger.origins[at]
	}
	place := from.place()
	pos := place.value
	if f.key && at == f.pointer {
		pos = place.key
	}
	out.File, out.Line, out.Column, out.Variable = pos.File, pos.Line, pos.Column, from.variable
	return out
}

// finish makes the immutable configuration of a document without problems.
func (p *pipeline) finish(tree map[string]any) (*Result, error) {
	c, err := decode(tree)
	if err != nil {
		return nil, p.failed("reading the checked configuration", err)
	}
	r := p.result
	c.Implicit = r.Config.Implicit
	r.Config, r.tree = c, tree
	r.Warnings = Problems(r.Warnings).sorted()
	r.Layers = make(map[string]string, len(p.merger.origins))
	for pointer, from := range p.merger.origins {
		r.Layers[pointer] = from.layer
	}
	r.Positions = positions(p.merger.origins)
	return r, nil
}

// maxPositionWork bounds the finding of positions, whose cost grows with the
// values times the bytes of a text: about 10 ms.
const maxPositionWork = 64 << 20

func positions(origins map[string]origin) map[string]Position {
	out := map[string]Position{}
	for pointer, from := range origins {
		if from.doc == nil || len(origins)*from.doc.size > maxPositionWork {
			continue
		}
		if pos := from.place().value; pos.Line > 0 {
			out[pointer] = pos
		}
	}
	return out
}
