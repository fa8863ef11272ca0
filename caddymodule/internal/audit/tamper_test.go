package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample writes a log of seven records in one file: begin, five events and a
// checkpoint.
func sample(t testing.TB) (opts Options, head Head, text []byte) {
	t.Helper()
	opts = options(t)
	l := mustOpen(t, opts)
	mustAppend(t, l, 5)
	mustClose(t, l)
	text, err := os.ReadFile(segmentPath(opts.Dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	return opts, l.Head(), text
}

func put(t testing.TB, opts Options, text []byte) {
	t.Helper()
	if err := os.WriteFile(segmentPath(opts.Dir, 1), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func split(text []byte) [][]byte { return slices.Collect(bytes.Lines(text)) }

// check verifies bytes without a directory.
func check(t testing.TB, text []byte, seen Head) *Report {
	t.Helper()
	r, err := VerifyExport(bytes.NewReader(text), VerifyOptions{Keys: public, First: 1, Seen: seen})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerify_EveryFlippedBitIsFoundInItsRecord(t *testing.T) {
	_, head, text := sample(t)
	seq := uint64(1)
	for i := range text {
		for bit := range 8 {
			data := bytes.Clone(text)
			data[i] ^= 1 << bit
			r := check(t, data, head)
			if r.OK() || r.Problems[0].Seq != seq {
				t.Fatalf("byte %d, bit %d of record %d (%q to %q): %v", i, bit, seq, text[i], data[i], r.Problems)
			}
		}
		if text[i] == '\n' {
			seq++
		}
	}
	t.Logf("%d flips", 8*len(text))
}

func TestVerify_EveryCutIsFound(t *testing.T) {
	_, head, text := sample(t)
	for n := range text {
		r := check(t, text[:n], head)
		want := uint64(bytes.Count(text[:n], []byte("\n"))) + 1
		if r.OK() || r.Problems[0].Seq != want {
			t.Fatalf("cut after %d bytes: %v, want one of record %d", n, r.Problems, want)
		}
		whole := n == 0 || text[n-1] == '\n'
		if r := check(t, text[:n], Head{}); r.OK() != (whole && n > 0) {
			t.Fatalf("cut after %d bytes, nothing remembered: %v", n, r.Problems)
		}
	}
}

func TestVerify_EveryRecordRemovedSwappedOrTwice(t *testing.T) {
	_, head, text := sample(t)
	list := split(text)
	for i := range list {
		seq := uint64(i + 1)
		removed := slices.Delete(slices.Clone(list), i, i+1)
		if r := check(t, bytes.Join(removed, nil), head); r.OK() || r.Problems[0].Seq != seq {
			t.Errorf("record %d removed: %v", seq, r.Problems)
		}
		twice := slices.Insert(slices.Clone(list), i, list[i])
		if r := check(t, bytes.Join(twice, nil), head); r.OK() || r.Problems[0].Seq != seq+1 {
			t.Errorf("record %d twice: %v", seq, r.Problems)
		}
		for j := range i {
			swapped := slices.Clone(list)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			if r := check(t, bytes.Join(swapped, nil), head); r.OK() || r.Problems[0].Seq != uint64(j+1) {
				t.Errorf("records %d and %d swapped: %v", j+1, seq, r.Problems)
			}
		}
	}
}

func TestVerify_OneChangeIsOneProblem(t *testing.T) {
	_, _, text := sample(t)
	for name, test := range map[string]struct{ old, new, says string }{
		"a field":        {`"target":"key-3"`, `"target":"key-9"`, "hash does not fit"},
		"another prev":   {`"prev":"`, `"prev":"00`, "prev is not a hash"},
		"an added field": {`"actor"`, `"x":1,"actor"`, "unknown field"},
		"a field twice":  {`"actor":"admin"`, `"actor":"admin","actor":"eve"`, "hash does not fit"},
	} {
		r := check(t, bytes.Replace(text, []byte(test.old), []byte(test.new), 1), Head{})
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, test.says) {
			t.Errorf("%s: %v", name, r.Problems)
		}
	}
}

// rechain writes records anew from the one with this seq on, as somebody can
// who has the file but not the key.
func rechain(t *testing.T, text []byte, from uint64, change func(*Record)) []byte {
	t.Helper()
	var out []byte
	prev := noHash
	for _, line := range split(text) {
		p, err := parse(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			t.Fatal(err)
		}
		r := p.Record
		if r.Seq >= from {
			r.Prev = prev
			if r.Checkpoint != nil {
				c := *r.Checkpoint
				c.Head = prev
				r.Checkpoint = &c
			}
			change(&r)
			if line, err = r.line(); err != nil {
				t.Fatal(err)
			}
		}
		prev = r.Hash
		out = append(out, line...)
	}
	return out
}

func TestVerify_AForgedHistory(t *testing.T) {
	_, head, text := sample(t)
	eve := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	blame := func(r *Record) {
		if r.Seq == 3 {
			r.Actor = "bob"
		}
	}
	for name, test := range map[string]struct {
		forge func(*Record)
		seq   uint64
		says  string
	}{
		"the old signature": {func(*Record) {}, 7, "not signed by a key that is trusted"},
		"no signature": {func(r *Record) {
			if r.Checkpoint != nil {
				r.Checkpoint.Sig, r.Checkpoint.Key = "", ""
			}
		}, 7, "no signed one follows"},
		"signed by another key": {func(r *Record) {
			if r.Checkpoint != nil {
				r.Checkpoint.sign(eve)
			}
		}, 7, "not signed by a key that is trusted"},
		"signed by another key in this one's name": {func(r *Record) {
			if r.Checkpoint != nil {
				r.Checkpoint.sign(eve)
				r.Checkpoint.Key = hex.EncodeToString(public[0])
			}
		}, 7, "not signed by a key that is trusted"},
		"a checkpoint of another head": {func(r *Record) {
			if r.Checkpoint != nil {
				r.Checkpoint.Head = noHash
				r.Checkpoint.sign(key)
			}
		}, 7, "another head"},
		"a checkpoint of another log": {func(r *Record) {
			if r.Checkpoint != nil {
				r.Checkpoint.Log = "0"
				r.Checkpoint.sign(key)
			}
		}, 7, "another log"},
		"a signature that is none": {func(r *Record) {
			if r.Checkpoint != nil {
				r.Checkpoint.Sig = "zz"
			}
		}, 7, "not written as one"},
		"a checkpoint without contents": {func(r *Record) { r.Checkpoint = nil }, 7, "states nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			forged := rechain(t, text, 3, func(r *Record) { blame(r); test.forge(r) })
			r := check(t, forged, Head{})
			if len(r.Problems) != 1 || r.Problems[0].Seq != test.seq || !strings.Contains(r.Problems[0].What, test.says) {
				t.Errorf("problems %v", r.Problems)
			}
			if r := check(t, forged, head); r.OK() || r.Problems[len(r.Problems)-1].Seq != 7 {
				t.Errorf("a remembered head is not missed: %v", r.Problems)
			}
		})
	}
}

func TestVerify_ARecordReplacedWithAFittingHash(t *testing.T) {
	_, _, text := sample(t)
	list := split(text)
	forged := split(rechain(t, text, 3, func(r *Record) { r.Target = "x" }))
	list[2] = forged[2]
	r := check(t, bytes.Join(list, nil), Head{})
	if len(r.Problems) != 1 || r.Problems[0].Seq != 4 || !strings.Contains(r.Problems[0].What, "one of the two was replaced") {
		t.Errorf("problems %v", r.Problems)
	}
}

func TestVerify_WithoutKeysSaysThatSignaturesWereNotChecked(t *testing.T) {
	opts, _, _ := sample(t)
	r, err := Verify(t.Context(), opts.Dir, VerifyOptions{})
	if err != nil || !r.OK() || !strings.Contains(r.Signatures, "not checked") || r.Signed != 0 {
		t.Errorf("report %+v, %v", r, err)
	}
	unsigned := options(t)
	unsigned.Key = nil
	l := mustOpen(t, unsigned)
	mustAppend(t, l, 1)
	mustClose(t, l)
	if r := verify(t, unsigned.Dir, Head{}); r.OK() || !strings.Contains(r.Signatures, "no checkpoint is signed") || r.Problems[0].Seq != 3 {
		t.Errorf("report of an unsigned log %+v", r)
	}
}

func TestVerify_UnsignedCheckpointsAreCoveredByALaterSignature(t *testing.T) {
	opts := options(t)
	opts.Key = nil
	l := mustOpen(t, opts)
	mustAppend(t, l, 1)
	mustClose(t, l)
	opts.Key = key
	l = mustOpen(t, opts)
	mustAppend(t, l, 1)
	mustClose(t, l)
	if r := mustHold(t, opts.Dir, 5); r.Checkpoints != 2 || r.Signed != 1 || r.Attested != 4 {
		t.Errorf("report %+v", r)
	}
}

func TestVerify_RolledBackAndOtherLogs(t *testing.T) {
	opts, head, text := sample(t)
	old := slices.Concat(split(text)[:4]...)
	put(t, opts, old)
	if r := verify(t, opts.Dir, head); r.OK() || r.Problems[0].Seq != 5 || !strings.Contains(r.Problems[0].What, "5 to 7 are missing at the end") {
		t.Errorf("problems %v", r.Problems)
	}
	other, _, _ := sample(t)
	if r := verify(t, other.Dir, head); r.OK() || !strings.Contains(fmt.Sprint(r.Problems), "was seen before") {
		t.Errorf("problems of another log %v", r.Problems)
	}
	for name, dir := range map[string]string{"an older copy": opts.Dir, "another log": other.Dir} {
		trial := opts
		trial.Dir, trial.Seen = dir, head
		if _, err := Open(t.Context(), trial); !errors.Is(err, ErrRolledBack) {
			t.Errorf("Open of %s: %v", name, err)
		}
	}
	put(t, opts, text)
	opts.Seen = head
	l := mustOpen(t, opts)
	mustAppend(t, l, 3)
	mustClose(t, l)
	mustClose(t, mustOpen(t, opts)) // what is remembered lies further back now
	if r := verify(t, opts.Dir, head); !r.OK() {
		t.Errorf("problems %v", r.Problems)
	}
}

func TestVerify_AMissingSegment(t *testing.T) {
	opts := options(t)
	opts.SegmentSize = 1000
	l := mustOpen(t, opts)
	mustAppend(t, l, 12)
	mustClose(t, l)
	list, err := segments(opts.Dir)
	if err != nil || len(list) < 4 {
		t.Fatalf("%d segments, %v", len(list), err)
	}
	for i, s := range list {
		data, _ := os.ReadFile(s.path)
		os.Remove(s.path)
		r := verify(t, opts.Dir, l.Head())
		if r.OK() || r.Problems[0].Seq != s.first {
			t.Errorf("file %d (record %d) removed: %v", i+1, s.first, r.Problems)
		}
		if err := os.WriteFile(s.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.Rename(list[1].path, segmentPath(opts.Dir, list[1].first+1))
	if r := verify(t, opts.Dir, l.Head()); r.OK() || r.Problems[0].Seq != list[1].first {
		t.Errorf("a file renamed: %v", r.Problems)
	}
}

func TestVerify_OlderFilesWerePutAway(t *testing.T) {
	opts := options(t)
	opts.SegmentSize = 1000
	l := mustOpen(t, opts)
	mustAppend(t, l, 12)
	mustClose(t, l)
	list, _ := segments(opts.Dir)
	os.Remove(list[0].path)
	r, err := Verify(t.Context(), opts.Dir, VerifyOptions{Keys: public, First: list[1].first, Seen: l.Head()})
	if err != nil || !r.OK() || r.First != list[1].first {
		t.Errorf("report %+v, %v", r, err)
	}
}

func TestVerify_NothingThere(t *testing.T) {
	if _, err := Verify(context.Background(), filepath.Join(t.TempDir(), "none"), VerifyOptions{}); err == nil {
		t.Error("no error for a directory that is not there")
	}
	if r := verify(t, t.TempDir(), Head{}); r.OK() {
		t.Error("an empty directory verifies")
	}
}

func TestOpen_HalfARecordIsMovedAside(t *testing.T) {
	opts, _, text := sample(t)
	for n := range text {
		if end := n + 1; n%23 != 0 && text[n] != '\n' && (n == 0 || text[n-1] != '\n') && end != len(text) {
			continue // every cut near the end of a line, and a sample of the others: each costs some syncs
		}
		dir := filepath.Join(t.TempDir(), "log")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		trial := opts
		trial.Dir = dir
		put(t, trial, text[:n])
		l, err := Open(t.Context(), trial)
		if err != nil {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
		whole := bytes.Count(text[:n], []byte("\n"))
		torn := text[bytes.LastIndexByte(text[:n], '\n')+1 : n]
		mustAppend(t, l, 1)
		r := verify(t, dir, Head{})
		want := max(whole, 1) + 1 + min(len(torn), 1)
		if !r.OK() || r.Records != want || r.Recovered != min(len(torn), 1) {
			t.Fatalf("cut after %d bytes: %+v, want %d records", n, r, want)
		}
		if len(torn) > 0 {
			page, _ := Show(t.Context(), dir, Filter{Action: ActionRecovered})
			side, err := os.ReadFile(filepath.Join(dir, page.Records[0].Target))
			if err != nil || !bytes.Equal(side, torn) || page.Records[0].After["bytes"] != fmt.Sprint(len(torn)) {
				t.Fatalf("cut after %d bytes: side file %q, %v", n, side, err)
			}
		}
		mustClose(t, l)
	}
}

func TestOpen_ZeroesBehindTheEndAreMovedAside(t *testing.T) {
	opts, _, text := sample(t)
	put(t, opts, append(bytes.Clone(text), make([]byte, 4096)...))
	l := mustOpen(t, opts)
	mustAppend(t, l, 1)
	if r := mustHold(t, opts.Dir, 9); r.Recovered != 1 {
		t.Errorf("report %+v", r)
	}
}

func TestOpen_ADamagedEndIsRefusedUnlessAccepted(t *testing.T) {
	opts, _, text := sample(t)
	put(t, opts, bytes.Replace(text, []byte(`"count":6`), []byte(`"count":5`), 1))
	_, err := Open(t.Context(), opts)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "aimux audit verify") || !strings.Contains(err.Error(), opts.Dir) {
		t.Fatalf("error %v", err)
	}
	opts.AcceptDamage = true
	l := mustOpen(t, opts)
	mustAppend(t, l, 1)
	if r := mustHold(t, opts.Dir, 8); r.Recovered != 1 {
		t.Errorf("report %+v", r)
	}
}

func TestOpen_AnEmptyLastFile(t *testing.T) {
	opts, head, _ := sample(t)
	if err := os.WriteFile(segmentPath(opts.Dir, head.Seq+1), []byte(`{"seq":8,`), 0o600); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, opts)
	mustAppend(t, l, 1)
	mustClose(t, l)
	if r := verify(t, opts.Dir, head); !r.OK() || r.Recovered != 1 || r.Segments != 2 {
		t.Errorf("report %+v", r)
	}
	if err := os.WriteFile(segmentPath(opts.Dir, 100), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), opts); !errors.Is(err, ErrDamaged) {
		t.Errorf("a gap before the last file: %v", err)
	}
}
