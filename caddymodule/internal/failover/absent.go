package failover

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// absentClass classifies a 404: either something of the client's is not there,
// as an item of an earlier answer that was not stored, which says nothing of
// the key; or the model, or the address as a whole, which is also what an
// answer means that does not say what it misses.
func (r *report) absentClass() llm.Class {
	if r.namesObject() {
		return llm.ClassBadRequest
	}
	return llm.ClassModelDenied
}

// clientObjects are the words for what clients store with a provider and name
// in requests.
const clientObjects = " item items file files response container conversation assistant thread batch upload image document skill prompt cachedcontent vector "

// namesObject reports whether a 404 is about something of the client's, going
// by the parameter, the code and the words of the message that are not quoted.
// A path, as in "cannot POST /v1/responses", is no word.
func (r *report) namesObject() bool {
	said := r.plain()
	about := strings.ToLower(strings.ReplaceAll(r.Code+" "+r.Type, "_", " ")) + " " + said
	switch {
	case r.Param == "model", strings.Contains(about, "model"), strings.Contains(about, "deployment"), strings.Contains(about, "endpoint"):
		return false
	case strings.TrimSpace(said) == "file not found": // llama.cpp, of a path it does not have
		return false
	case r.Param != "":
		return true
	}
	for word := range strings.FieldsFuncSeq(about, betweenWords) {
		if strings.Contains(clientObjects, " "+word+" ") {
			return true
		}
	}
	return false
}

// betweenWords reports what parts words. What belongs to paths and ids does
// not.
func betweenWords(c rune) bool {
	return c <= ' ' || strings.ContainsRune("()[]{}<>,;:!?\"'`", c)
}
