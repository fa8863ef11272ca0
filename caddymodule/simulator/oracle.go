package simulator

import (
	"fmt"
	"strconv"
	"strings"
)

// Transcript is what CheckTranscript found in an answer.
type Transcript struct {
	Name   string // Options.Name of the simulator that spoke
	Number int    // of the request it answered
	Words  int    // marked words, counting from 0 without a gap
}

// CheckTranscript reads the marked words (name:number:word) in the text of an answer. It returns an error when they do
// not count up from 0 one by one, or come from more than one answer: something was lost, doubled or mixed. An end that
// is missing does not show here: compare Words with the number asked for.
func CheckTranscript(text string) (Transcript, error) {
	var t Transcript
	for word := range strings.FieldsSeq(text) {
		name, number, seq, ok := cutWord(word)
		if !ok {
			continue
		}
		if t.Words == 0 {
			t.Name, t.Number = name, number
		}
		if name != t.Name || number != t.Number {
			return t, fmt.Errorf("simulator: %s in an answer of %s:%d", word, t.Name, t.Number)
		}
		if seq != t.Words {
			return t, fmt.Errorf("simulator: %s where word %d was due", word, t.Words)
		}
		t.Words++
	}
	return t, nil
}

// cutWord takes a marked word apart.
func cutWord(word string) (name string, number, seq int, ok bool) {
	name, rest, _ := strings.Cut(word, ":")
	first, second, _ := strings.Cut(rest, ":")
	if name == "" || digits(name) || name != cleanName(name) || !digits(first) || !digits(second) {
		return "", 0, 0, false
	}
	number, err1 := strconv.Atoi(first)
	seq, err2 := strconv.Atoi(second)
	return name, number, seq, err1 == nil && err2 == nil
}
