package caddymodule

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/place"
)

// logged writes some records into the log in dir, as one run of a server does,
// and returns the log's only file.
func logged(t *testing.T, dir string, actions ...string) string {
	t.Helper()
	a := newAuditor(dir, nil)
	for _, action := range actions {
		if err := a.record(t.Context(), action, "somewhere"); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(all) != 1 {
		t.Fatalf("files %q, %v", all, err)
	}
	return all[0]
}

// cut leaves the first lines of a file.
func cut(t *testing.T, file string, lines int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rest := bytes.Join(bytes.SplitAfter(text, []byte("\n"))[:lines], nil)
	if err := os.WriteFile(file, rest, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAuditor_ALogThatWasCutWhileNobodyRanIsRefusedUntilThatIsAccepted(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir, ctx := filepath.Join(t.TempDir(), "audit"), t.Context()
	file := logged(t, dir, "a", "b", "c") // begin, three records, a checkpoint
	if info, err := os.Stat(headsFile().path); err != nil || info.Mode() != 0o600 {
		t.Fatalf("the file of heads: %v, %v", info, err)
	}
	logged(t, dir, "d") // six and seven: what is untouched is believed
	cut(t, file, 3)
	a := newAuditor(dir, nil)
	for _, accept := range []string{"", "6", "none"} {
		t.Setenv(acceptAuditVariable, accept)
		err := a.record(ctx, "e", "somewhere")
		if !errors.Is(err, audit.ErrRolledBack) || !strings.Contains(err.Error(), "records 4 to 6 are missing") || !strings.Contains(err.Error(), "AIMUX_ACCEPT_AUDIT=3 ") {
			t.Fatalf("accepting %q: %v", accept, err)
		}
	}
	if s := a.state(); !strings.Contains(s.Trouble, "records 4 to 6 are missing") {
		t.Errorf("state %+v", s)
	}
	r, err := audit.Verify(ctx, dir, audit.VerifyOptions{Seen: a.seenHead()})
	if err != nil || r.OK() || !strings.Contains(r.Problems[0].What, "records 4 to 6 are missing at the end") {
		t.Errorf("verdict %+v, %v", r, err)
	}
	t.Setenv(acceptAuditVariable, "3")
	if err := a.record(ctx, "e", "somewhere"); err != nil {
		t.Fatal(err)
	}
	if s := a.state(); s.Trouble != "" {
		t.Errorf("state %+v", s)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv(acceptAuditVariable, "")
	logged(t, dir, "g")
	page, err := audit.Show(ctx, dir, audit.Filter{Action: audit.ActionAccepted})
	if err != nil || len(page.Records) != 1 {
		t.Errorf("records of what was accepted: %+v, %v", page.Records, err)
	}
	if r, err := audit.Verify(ctx, dir, audit.VerifyOptions{Seen: a.seenHead()}); err != nil || !r.OK() {
		t.Errorf("verdict %+v, %v", r, err)
	}
}

// A process may end between a record and what is remembered of it, and a copy of
// the files may have been made in that moment.
func TestAuditor_AMemoryThatLagsBehindTheLogIsNoAlarm(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "audit")
	logged(t, dir, "a")
	former, err := os.ReadFile(headsFile().path)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		logged(t, dir, "b", "c")
		if err := os.WriteFile(headsFile().path, former, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(headsFile().path); err != nil {
		t.Fatal(err)
	}
	logged(t, dir, "d") // nothing is remembered, as after an update
	if head, err := headsFile().of(dir); err != nil || head.Seq < 10 {
		t.Errorf("head %v, %v", head, err)
	}
}

func TestAuditHeads_EachDirectoryHasItsOwnAndIsForgottenAlone(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	one, two := filepath.Join(t.TempDir(), "audit"), filepath.Join(t.TempDir(), "audit")
	if err := headsFile().forget(one); err != nil || place.Exists(headsFile().path) {
		t.Fatalf("forgetting without a file: %v", err)
	}
	logged(t, one, "a")
	other := logged(t, two, "a", "b")
	if err := os.RemoveAll(one); err != nil {
		t.Fatal(err)
	}
	if err := newAuditor(one, nil).record(t.Context(), "c", ""); !errors.Is(err, audit.ErrRolledBack) || !strings.Contains(err.Error(), "AIMUX_ACCEPT_AUDIT=0 ") {
		t.Fatalf("a log that is gone: %v", err)
	}
	if err := headsFile().forget(one); err != nil {
		t.Fatal(err)
	}
	logged(t, one, "c")
	cut(t, other, 2)
	if err := newAuditor(two, nil).record(t.Context(), "d", ""); !errors.Is(err, audit.ErrRolledBack) {
		t.Fatalf("the other was forgotten, too: %v", err)
	}
}

func TestAuditor_AFileOfHeadsThatCannotBeReadIsSaid(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "audit")
	logged(t, dir, "a")
	for _, text := range []string{"", "{", `{"version":2,"heads":{}}`, `{"version":1,"heads":[]}`} {
		if err := os.WriteFile(headsFile().path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a := newAuditor(dir, nil)
		if err := a.record(t.Context(), "b", ""); err == nil || !strings.Contains(err.Error(), headsFile().path) || a.state().Trouble == "" {
			t.Errorf("%q: %v, %+v", text, err, a.state())
		}
	}
}

func TestAuditor_AHeadThatCannotBeRememberedIsTroubleAndNoError(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "audit")
	if err := os.MkdirAll(headsFile().path+".lock", 0o700); err != nil {
		t.Fatal(err)
	}
	a := newAuditor(dir, nil)
	log, err := a.open(t.Context())
	if err == nil {
		err = log.Seal(t.Context())
	}
	if err != nil || !strings.Contains(a.state().Trouble, "cannot be remembered") {
		t.Fatalf("%v, %+v", err, a.state())
	}
	if err := os.Remove(headsFile().path + ".lock"); err != nil {
		t.Fatal(err)
	}
	if err := a.record(t.Context(), "b", ""); err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil || a.state().Trouble != "" {
		t.Errorf("%v, %+v", err, a.state())
	}
}
