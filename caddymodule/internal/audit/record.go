package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Event is what a caller tells the log.
type Event struct {
	Actor  string // who: a user, a client, "cli"
	IP     string // from where; empty if it came from this machine's own commands
	Action string // what was done: "keys.rotate"; "audit." is the log's own
	Target string // to what: "zai-main"
	// Before and After hold the fields that changed. A secret appears as its
	// tag and never as itself.
	Before, After map[string]string
	Outcome       string // Default: "ok".
}

// Record is one line of the log. Field order is the order in the file.
type Record struct {
	Seq        uint64            `json:"seq"` // 1, 2, 3, … over all segments
	Time       string            `json:"ts"`  // UTC, with microseconds
	Boot       string            `json:"boot_id"`
	Actor      string            `json:"actor,omitempty"`
	IP         string            `json:"ip,omitempty"`
	Action     string            `json:"action"`
	Target     string            `json:"target,omitempty"`
	Before     map[string]string `json:"before,omitempty"`
	After      map[string]string `json:"after,omitempty"`
	Outcome    string            `json:"outcome"`
	Checkpoint *Checkpoint       `json:"checkpoint,omitempty"`
	Prev       string            `json:"prev"`           // the hash of the record before; zeros in the first
	Hash       string            `json:"hash,omitempty"` // of prev and of the line up to here
}

// The actions of records that the log writes by itself.
const (
	ActionBegin      = "audit.begin"      // the first record; its target is the log's id
	ActionCheckpoint = "audit.checkpoint" // states the head before it, signed if there is a key
	ActionRecovered  = "audit.recovered"  // what a crash left was moved aside
	ActionAccepted   = "audit.accepted"   // records that were seen before are missing, and that is accepted; its target is their log's id
)

const (
	timeForm = "2006-01-02T15:04:05.000000Z"
	maxLine  = 64 << 10 // bytes, with the newline

	hashHex    = 2 * sha256.Size
	hashBefore = `,"hash":"`
	hashAfter  = `"}`
	hashTail   = len(hashBefore) + hashHex + len(hashAfter)
)

// noHash is the prev of the first record.
var noHash = string(bytes.Repeat([]byte("0"), hashHex))

// When returns the time of a record, or the zero time if it has none.
func (r *Record) When() time.Time {
	t, _ := time.Parse(timeForm, r.Time)
	return t
}

// line encodes a record, works out its hash and returns the line with its
// newline.
func (r *Record) line() ([]byte, error) {
	r.Hash = ""
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, err
	}
	body := bytes.TrimSuffix(buf.Bytes(), []byte("}\n"))
	var err error
	if r.Hash, err = chain(r.Prev, body); err != nil {
		return nil, err
	}
	line := append(body, hashBefore+r.Hash+hashAfter+"\n"...)
	if len(line) > maxLine {
		return nil, fmt.Errorf("the record has %d bytes; at most %d are accepted", len(line), maxLine)
	}
	return line, nil
}

// chain returns SHA-256(prev ‖ body) in hexadecimal.
func chain(prev string, body []byte) (string, error) {
	before, err := hex.DecodeString(prev)
	if err != nil || len(before) != sha256.Size {
		return "", errors.New("prev is not a hash")
	}
	h := sha256.New()
	h.Write(before)
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// parsed is a line that was read: the record as it says, and the hash that its
// bytes really have.
type parsed struct {
	Record
	real string
}

func (p *parsed) intact() bool { return p.Hash == p.real }

// parse reads a line without its newline. Every byte of it is either hashed or
// checked here.
func parse(line []byte) (*parsed, error) {
	if len(line) >= maxLine {
		return nil, fmt.Errorf("the line is longer than %d bytes", maxLine)
	}
	p := new(parsed)
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p.Record); err != nil {
		return nil, fmt.Errorf("the line is no record: %w", err)
	}
	cut := len(line) - hashTail
	if dec.More() || cut < 0 || string(line[cut:]) != hashBefore+p.Hash+hashAfter {
		return nil, errors.New("the line does not end as a record ends")
	}
	var err error
	p.real, err = chain(p.Prev, line[:cut])
	return p, err
}
