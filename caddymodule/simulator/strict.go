package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// refuseStrictly answers what a real vendor would refuse, and reports whether it did. The rules are those of the
// dialect as its maker enforces them, then the vendor's own.
func (x *exchange) refuseStrictly() bool {
	e := x.strictProblem()
	if e != nil {
		x.refuse(*e)
	}
	return e != nil
}

func (x *exchange) strictProblem() *apiError {
	if slices.Contains(x.vendor.lacks, x.target.dialect) {
		e := x.errorFor(404, Fault{Message: "Unknown path."})
		return &e
	}
	if x.meta.Key == "" {
		e := x.errorFor(401, Fault{})
		return &e
	}
	if !json.Valid(x.body) {
		return x.bad("invalid_json", "", "We could not parse the JSON body of your request.")
	}
	if x.ask.model == "" {
		return x.bad("missing_required_parameter", "model", "you must provide a model parameter")
	}
	if names := x.s.opts.Models; len(names) > 0 && !slices.Contains(names, x.ask.model) {
		e := x.errorFor(404, Fault{Message: fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", x.ask.model)})
		return &e
	}
	rules := []func(*exchange) *apiError{map[dialect]func(*exchange) *apiError{
		chat: strictChat, messages: strictMessages, responses: strictResponses,
	}[x.target.dialect], x.vendor.strict}
	for _, rule := range rules {
		if rule == nil || x.target.dialect == noDialect {
			continue
		}
		if e := rule(x); e != nil {
			return e
		}
	}
	return nil
}

// bad makes a 400 in the vendor's shape. The code is OpenAI's and given only where the vendor uses such codes.
func (x *exchange) bad(code, param, format string, args ...any) *apiError {
	e := x.errorFor(400, Fault{Message: fmt.Sprintf(format, args...)})
	if !x.anthropicSide() && x.vendor.error == nil {
		e.code = code
	}
	if param != "" && x.vendor.error == nil {
		e.param = param
	}
	return &e
}

// badCode makes a 400 with the vendor's own code.
func (x *exchange) badCode(code, message string) *apiError {
	e := x.errorFor(400, Fault{Code: code, Message: message})
	return &e
}

// unknownMember returns the first member of object that is not in the list.
func unknownMember(object []byte, known ...[]string) (name string, found bool) {
	for k := range members(object) {
		if !slices.ContainsFunc(known, func(list []string) bool { return slices.Contains(list, string(k)) }) {
			return string(k), true
		}
	}
	return "", false
}

// inRange reports whether the member is absent, null or a number from least to most.
func inRange(body []byte, name string, least, most float64) bool {
	v := member(body, name)
	if isNull(v) {
		return true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return err == nil && f >= least && f <= most
}

// fitsName reports whether s is a name of letters, digits, dash and underscore, most characters long.
func fitsName(s string, most int) bool {
	return s != "" && len(s) <= most && s == cleanName(s)
}

// each calls check for every element with its number, until one has a problem.
func each(array []byte, check func(i int, v []byte) *apiError) *apiError {
	i := 0
	for v := range elements(array) {
		if e := check(i, v); e != nil {
			return e
		}
		i++
	}
	return nil
}

func length(array []byte) int {
	n := 0
	for range elements(array) {
		n++
	}
	return n
}

func isArray(v []byte) bool  { return len(v) > 0 && v[0] == '[' }
func isString(v []byte) bool { return len(v) > 0 && v[0] == '"' }
