package audit

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"path/filepath"
)

// VerifyOptions says what a log is held against.
type VerifyOptions struct {
	// Keys are the public keys that may have signed checkpoints. Default:
	// signatures are not checked, and the report says so.
	Keys []ed25519.PublicKey
	// Seen is a head that somebody remembers. Default: none; then a log that
	// was cut at the end cannot be told from one that ends there.
	Seen Head
	// First is the seq the log has to begin with, if older files were put
	// away. Default: 1.
	First uint64
	// Most is how many problems are listed. Default: 100.
	Most int
}

// Problem is one thing that is wrong.
type Problem struct {
	Seq  uint64 `json:"seq"`            // the record that is bad or missing
	File string `json:"file,omitempty"` // where it was noticed
	Line int    `json:"line,omitempty"` // from 1
	What string `json:"what"`
}

// String writes the problem on one line.
func (p Problem) String() string {
	if p.File == "" {
		return fmt.Sprintf("record %d: %s", p.Seq, p.What)
	}
	return fmt.Sprintf("record %d (%s, line %d): %s", p.Seq, p.File, p.Line, p.What)
}

// Report is what Verify found.
type Report struct {
	Log         string    `json:"log"` // the log's id
	First       uint64    `json:"first"`
	Last        uint64    `json:"last"`
	Head        string    `json:"head"` // the hash of the last record
	Records     int       `json:"records"`
	Segments    int       `json:"segments"`
	Recovered   int       `json:"recovered"`   // how often half a record was moved aside
	Checkpoints int       `json:"checkpoints"` // how many there are
	Signed      int       `json:"signed"`      // how many of them are signed by a trusted key
	Attested    uint64    `json:"attested"`    // the last record that a trusted signature covers
	Signatures  string    `json:"signatures"`  // what can be said of them
	Problems    []Problem `json:"problems"`
	Left        int       `json:"left"` // problems that are not listed
}

// OK says whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Verify reads the whole log in dir and reports what is wrong with it, the
// first bad record first. The error is about reading only.
func Verify(ctx context.Context, dir string, opts VerifyOptions) (*Report, error) {
	list, err := settled(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("verifying the audit log: %w", err)
	}
	v := newVerifier(opts)
	for _, s := range list {
		data, err := s.read()
		if err != nil {
			return nil, fmt.Errorf("verifying the audit log: %w", err)
		}
		v.begin(filepath.Base(s.path), s.first)
		for line, whole := range lines(data) {
			v.next(line, whole)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return v.finish(), nil
}

// VerifyExport is Verify of what Export wrote, which may begin anywhere unless
// opts.First says otherwise.
func VerifyExport(r io.Reader, opts VerifyOptions) (*Report, error) {
	v := newVerifier(opts)
	v.anywhere = opts.First == 0
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			whole := line[len(line)-1] == '\n'
			if whole {
				line = line[:len(line)-1]
			}
			v.next(line, whole)
		}
		if err == io.EOF {
			return v.finish(), nil
		}
		if err != nil && err != bufio.ErrBufferFull { // a line too long is a problem, which next has listed
			return nil, fmt.Errorf("verifying an export of the audit log: %w", err)
		}
	}
}

// verifier walks the chain. After a break it goes on with what the records say,
// so that one change is one problem, where that can be told.
type verifier struct {
	opts     VerifyOptions
	report   Report
	file     string
	line     int
	named    uint64   // the seq that the file's name promises; 0: none
	expect   uint64   // the seq of the next record
	heads    []string // what prev of the next record may be; nil: anything
	anywhere bool     // the first record may have any seq
	unsigned uint64   // the last checkpoint, if it has no signature; one that has covers those before
	seen     bool     // the remembered head was met
}

func newVerifier(opts VerifyOptions) *verifier {
	if opts.Most <= 0 {
		opts.Most = 100
	}
	v := &verifier{opts: opts, expect: max(opts.First, 1), heads: []string{noHash}}
	if v.expect > 1 {
		v.heads = nil
	}
	v.report.Problems = []Problem{}
	return v
}

// begin is called before the lines of a segment.
func (v *verifier) begin(file string, first uint64) {
	v.file, v.line = file, 0
	v.named = first
	v.report.Segments++
}

// next takes a line.
func (v *verifier) next(line []byte, whole bool) {
	v.line++
	if !whole {
		v.problem(v.expect, "the line is cut: it has no end; the next start moves it aside")
		v.heads = nil
		return
	}
	p, err := parse(line)
	if err != nil {
		v.problem(v.expect, err.Error())
		v.expect++
		v.heads = nil
		return
	}
	if !p.intact() {
		v.problem(v.expect, "the record was changed: its hash does not fit its contents")
		v.accept(v.expect, p.Hash, p.real)
		return
	}
	v.place(p)
	v.accept(p.Seq, p.Hash)
	v.content(p)
}

// accept notes a record as the one the next has to follow.
func (v *verifier) accept(seq uint64, hashes ...string) {
	r := &v.report
	if r.Records == 0 {
		r.First = seq
	}
	r.Records++
	r.Last, r.Head = seq, hashes[0]
	v.expect, v.heads = seq+1, hashes
	if seq == v.opts.Seen.Seq && v.opts.Seen.Hash != "" {
		v.seen = true
		if hashes[0] != v.opts.Seen.Hash {
			v.problem(seq, "it is not the record that was seen before")
		}
	}
}

// place checks that an intact record follows the one before.
func (v *verifier) place(p *parsed) {
	if v.anywhere {
		v.anywhere = false
		v.expect, v.heads = p.Seq, nil
	}
	switch {
	case p.Seq > v.expect && v.report.Records == 0 && v.line == 1:
		v.problem(v.expect, fmt.Sprintf("records %d to %d are missing at the beginning", v.expect, p.Seq-1))
	case p.Seq > v.expect:
		v.problem(v.expect, fmt.Sprintf("records %d to %d are missing", v.expect, p.Seq-1))
	case p.Seq < v.expect:
		v.problem(v.expect, fmt.Sprintf("record %d stands here, out of order or twice", p.Seq))
	case !v.follows(p.Prev):
		v.problem(p.Seq, "it does not follow the record before: one of the two was replaced")
	case v.line == 1 && v.named != 0 && v.named != p.Seq:
		v.problem(p.Seq, fmt.Sprintf("it begins a file whose name says %d", v.named))
	case p.Seq == 1 && p.Action != ActionBegin:
		v.problem(1, "the log does not begin as a log begins")
	}
}

func (v *verifier) follows(prev string) bool {
	for _, h := range v.heads {
		if h == prev {
			return true
		}
	}
	return v.heads == nil
}

// content looks at the records that the log writes by itself.
func (v *verifier) content(p *parsed) {
	switch p.Action {
	case ActionBegin:
		if v.report.Log != "" {
			v.problem(p.Seq, "a second log begins here")
		}
		v.report.Log = p.Target
	case ActionRecovered:
		v.report.Recovered++
	case ActionCheckpoint:
		v.checkpoint(p)
	}
}

func (v *verifier) checkpoint(p *parsed) {
	c := p.Checkpoint
	v.report.Checkpoints++
	if c == nil {
		v.problem(p.Seq, "the checkpoint states nothing")
		return
	}
	if v.report.Log == "" { // an export from the middle
		v.report.Log = c.Log
	}
	switch {
	case c.Seq != p.Seq-1 || c.Head != p.Prev:
		v.problem(p.Seq, "the checkpoint states another head than the record before it has")
		return
	case c.Log != v.report.Log:
		v.problem(p.Seq, "the checkpoint is one of another log")
		return
	}
	if len(v.opts.Keys) == 0 {
		return
	}
	signed, problem := c.check(v.opts.Keys)
	switch {
	case signed:
		v.report.Signed++
		v.report.Attested, v.unsigned = c.Seq, 0
	case problem != "":
		v.problem(p.Seq, problem)
	default:
		v.unsigned = p.Seq
	}
}

// finish holds the end against what is remembered.
func (v *verifier) finish() *Report {
	r, seen := &v.report, v.opts.Seen
	v.file = ""
	if seen.Hash != "" {
		switch {
		case seen.Log != "" && r.Log != "" && seen.Log != r.Log:
			v.problem(r.First, fmt.Sprintf("this is log %.40s, and %.40s was seen before, up to record %d with the time %.40s", r.Log, seen.Log, seen.Seq, seen.Time))
		case seen.Seq > r.Last:
			v.problem(r.Last+1, fmt.Sprintf("records %d to %d are missing at the end; the last was seen with the time %.40s", r.Last+1, seen.Seq, seen.Time))
		case !v.seen && seen.Seq >= r.First:
			v.problem(seen.Seq, "the record that was seen before is missing")
		}
	} else if r.Records == 0 && r.OK() {
		v.problem(1, "there is no record at all")
	}
	if v.unsigned != 0 {
		v.problem(v.unsigned, "the checkpoint is not signed, and no signed one follows")
	}
	r.Signatures = v.signatures()
	return r
}

func (v *verifier) signatures() string {
	r := &v.report
	switch {
	case len(v.opts.Keys) == 0:
		return "not checked: no public key was given"
	case r.Signed == 0:
		return "no checkpoint is signed by a trusted key"
	}
	return fmt.Sprintf("%d of %d checkpoints are signed by a trusted key, up to record %d of %d", r.Signed, r.Checkpoints, r.Attested, r.Last)
}

func (v *verifier) problem(seq uint64, what string) {
	if len(v.report.Problems) >= v.opts.Most {
		v.report.Left++
		return
	}
	p := Problem{Seq: seq, What: what}
	if v.file != "" {
		p.File, p.Line = v.file, v.line
	}
	v.report.Problems = append(v.report.Problems, p)
}
