package schema

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// finding is something wrong at a place of the merged tree, before the place is
// known as file, line and column. key says that the member's name is at fault,
// not its value.
type finding struct {
	pointer, msg, hint string
	key                bool
	also               string // the pointer of the first of two that clash
}

// byPointer puts findings in the order of the document, as far as pointers tell.
func byPointer(a, b finding) int {
	return cmp.Or(
		slices.CompareFunc(splitPointer(a.pointer), splitPointer(b.pointer), compareStep),
		cmp.Compare(a.msg, b.msg),
	)
}

// validate reports everything in the tree that the schema does not allow. names
// are those of all its members.
func validate(tree map[string]any, names map[string]bool) ([]finding, error) {
	s, err := compiledFor(names)
	if err != nil {
		return nil, fmt.Errorf("compiling aimux.schema.json: %w", err)
	}
	if out := rootSpec().crowded(tree, ""); len(out) > 0 {
		return out, nil
	}
	err = s.Validate(tree)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil, err
	}
	var out []finding
	eachLeaf(invalid, func(leaf *jsonschema.ValidationError) {
		out = append(out, explain(leaf, tree)...)
	})
	return out, nil
}

// crowded reports objects and lists with more members than the schema allows.
// They are looked for first, so that no time is spent on what is in them.
func (s *spec) crowded(v any, at string) []finding {
	var out []finding
	switch t := v.(type) {
	case map[string]any:
		if s.most > 0 && len(t) > s.most {
			return []finding{{pointer: at, msg: fmt.Sprintf("%d entries, more than %d", len(t), s.most)}}
		}
		for name, e := range t {
			if m := s.member(name); m != nil {
				out = append(out, m.crowded(e, at+"/"+escapePointer(name))...)
			}
		}
	case []any:
		if s.most > 0 && len(t) > s.most {
			return []finding{{pointer: at, msg: fmt.Sprintf("%d rows, more than %d", len(t), s.most)}}
		}
		for i, e := range t {
			if s.items != nil {
				out = append(out, s.items.crowded(e, at+"/"+strconv.Itoa(i))...)
			}
		}
	}
	return out
}

func eachLeaf(e *jsonschema.ValidationError, visit func(*jsonschema.ValidationError)) {
	if len(e.Causes) == 0 {
		visit(e)
	}
	for _, cause := range e.Causes {
		eachLeaf(cause, visit)
	}
}

// explain says in the user's terms what the validator found.
func explain(leaf *jsonschema.ValidationError, tree map[string]any) []finding {
	pointer := validatorPointer(leaf.InstanceLocation)
	if strings.Contains(leaf.KeywordLocation, "/propertyNames") {
		return []finding{badName(pointer)}
	}
	s := rootSpec().at(pointer)
	v, _ := lookup(tree, pointer)
	if s == nil {
		return []finding{{pointer: pointer, msg: scrub(leaf.Message)}}
	}
	switch path.Base(leaf.KeywordLocation) {
	case "additionalProperties":
		return unknownMembers(s, v, pointer)
	case "required":
		return missingMembers(s, v, pointer)
	}
	f := finding{pointer: pointer}
	f.msg, f.hint = s.explainValue(path.Base(leaf.KeywordLocation), v, pointer)
	if f.msg == "" {
		f.msg = scrub(leaf.Message)
	}
	return []finding{f}
}

// explainValue says why a value breaks a keyword of its schema.
func (s *spec) explainValue(keyword string, v any, pointer string) (msg, hint string) {
	found := describe(v)
	if strings.HasSuffix(pointer, "/secret") {
		found = "something else"
	}
	switch keyword {
	case "type":
		want := typeNames(s)
		if meaning, ok := patternMeaning[s.ref]; ok {
			want = meaning
		}
		return "expected " + want + ", found " + found, typeHint(s, v)
	case "enum":
		text, _ := v.(string)
		hint = didYouMean(text, slices.Values(s.enum))
		return found + " is not one of " + strings.Join(s.enum, ", "), hint
	case "minimum":
		return "must be at least " + s.min + ", found " + found, ""
	case "maximum":
		return "must be at most " + s.max + ", found " + found, ""
	case "minLength":
		return "must not be empty", s.example()
	case "maxLength":
		return "the text is too long", ""
	case "pattern":
		return s.explainPattern(found)
	}
	return "", ""
}

// patternMeaning says what the patterns of the schema's definitions stand for.
var patternMeaning = map[string]string{
	"duration": `a duration such as "60s", "5m" or "1h30m"`,
	"size":     `a size such as "32MiB", "512KiB" or a number of bytes`,
	"name":     `a name of lower-case letters, digits, ".", "_" and "-"`,
	"target":   "an alias or provider/model, without spaces",
}

func (s *spec) explainPattern(found string) (msg, hint string) {
	if want, ok := patternMeaning[s.ref]; ok {
		return "expected " + want + ", found " + found, ""
	}
	if s.name == "alias" {
		return found + " is not an alias", "a name without spaces; * only at its end"
	}
	return found + " has a form that is not allowed here", s.example()
}

// example returns a hint with the schema's first example, if it is simple.
func (s *spec) example() string {
	if len(s.examples) > 0 && s.examples[0].kind == kindString {
		return "for example " + strconv.Quote(s.examples[0].text)
	}
	return ""
}

func badName(pointer string) finding {
	steps := splitPointer(pointer)
	name := steps[len(steps)-1]
	f := finding{pointer: pointer, key: true, msg: quote(name) + " is not a name"}
	if steps[0] == "aliases" {
		f.hint = "an alias has no spaces, and * only at its end"
		return f
	}
	f.hint = `lower-case letters, digits, ".", "_" and "-"`
	if lower := strings.ToLower(name); lower != name && !looksSecret(name) {
		f.hint += ", such as " + quote(lower)
	}
	return f
}

// typeNames says in words which types a value may have.
func typeNames(s *spec) string {
	words := map[string]string{
		"integer": "a whole number", "number": "a number", "boolean": "true or false",
		"array": "a list", "object": "an object", "string": "a string",
	}
	out := make([]string, len(s.types))
	for i, t := range s.types {
		out[i] = words[t]
	}
	return strings.Join(out, " or ")
}

// describe names a value that was found, without repeating a secret.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing (null)"
	case string:
		return quote(v)
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return fmt.Sprint(v)
}

// typeHint recognises values that are right but for their spelling.
func typeHint(s *spec, v any) string {
	text, isText := v.(string)
	n, isInt := v.(int64)
	switch {
	case v == nil && s.is("object"):
		return "write {} for one without settings, or leave it out"
	case v == nil:
		return "leave it out to have the default"
	case isText && (s.is("integer") || s.is("number")) && isNumber(text):
		return "write it without quotation marks"
	case isText && s.is("boolean") && (text == "true" || text == "false"):
		return "write it without quotation marks"
	case isInt && s.ref == "duration":
		return "write it with its unit: " + strconv.Quote(fmt.Sprintf("%ds", n))
	case isText && s.is("array") && !looksSecret(text):
		return "write it as a list"
	case s.is("string") && (isInt || v == true || v == false):
		return "put it in quotation marks"
	}
	return ""
}

// unknownMembers reports the members of an object that the schema does not know.
func unknownMembers(s *spec, v any, pointer string) []finding {
	members, _ := v.(map[string]any)
	var out []finding
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if s.member(name) == nil {
			out = append(out, finding{
				pointer: pointer + "/" + escapePointer(name), key: true,
				msg: "unknown field " + quote(name), hint: s.unknownHint(name, pointer),
			})
		}
	}
	return out
}

// keyFields are names under which other programs keep API keys.
var keyFields = []string{"api_key", "apikey", "api_keys", "apikeys", "key", "keys", "token", "auth_token", "secret", "secrets", "password"}

func (s *spec) unknownHint(name, pointer string) string {
	if slices.Contains(keyFields, strings.ToLower(strings.ReplaceAll(name, "-", "_"))) {
		if strings.HasPrefix(pointer, "/keys/") {
			return `a row of keys names its key as secret: "env:NAME"`
		}
		return "an API key is a row of keys with secret: env:NAME or file:PATH"
	}
	if hint := didYouMean(name, s.names()); hint != "" {
		return hint
	}
	return "known here: " + strings.Join(slices.Collect(s.names()), ", ")
}

// missingMembers reports the members an object must have and does not.
func missingMembers(s *spec, v any, pointer string) []finding {
	members, _ := v.(map[string]any)
	var out []finding
	for _, name := range s.required {
		if _, ok := members[name]; !ok {
			f := finding{pointer: pointer, msg: "the field " + strconv.Quote(name) + " is missing"}
			if m := s.member(name); m != nil {
				f.hint = m.example()
			}
			out = append(out, f)
		}
	}
	return out
}
