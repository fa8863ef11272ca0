package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/filelock"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sample = Record{
	Name: "laptop <of> Zoë", Team: "tools", Expires: morning.Add(90 * day),
	Scope: Scope{
		Models: []string{"coder", "zai/*"}, Dialects: []llm.Dialect{llm.Anthropic},
		Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
	},
	Limits: Limits{
		RequestsPerMinute: 60, RequestBurst: 10, TokensPerMinute: 100_000, TokenBurst: 50_000,
		MaxStreams: 4, DailyMicroUSD: 5_000_000, MonthlyMicroUSD: 50_000_000,
	},
}

func TestStore_KeepsEverythingOverARestart(t *testing.T) {
	now := &clock{morning}
	s := newStore(t, now.now)
	rec, token := create(t, s, sample)
	create(t, s, Record{Name: "plain"})
	if _, _, err := s.Rotate(rec.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTeam(Team{"tools", Limits{DailyMicroUSD: 1}}); err != nil {
		t.Fatal(err)
	}
	again := openStore(t, s.path, now.now)
	exact := cmp.Options{cmp.AllowUnexported(contents{}, row{}, digest{}), cmpopts.EquateComparable(netip.Prefix{})}
	if diff := cmp.Diff(s.current.Load(), again.current.Load(), exact); diff != "" {
		t.Error(diff)
	}
	got, err := again.Get(rec.ID)
	want := sample
	want.ID, want.Created, want.Rotated, want.PreviousUntil = rec.ID, morning, morning, morning.Add(time.Hour)
	if diff := cmp.Diff(want, got, exact); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := newRegistry(t, Options{Store: again, Now: now.now}).Identify(token, netip.MustParseAddr("10.1.2.3")); err != nil {
		t.Error(err)
	}
}

func TestStore_FileHasNoTokenAndIsItsOwnersAlone(t *testing.T) {
	s := newStore(t, nil)
	rec, token := create(t, s, Record{Name: "laptop"})
	_, second, err := s.Rotate(rec.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{s.path, s.path + "~"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{token, second.Reveal()} {
			if bytes.Contains(data, []byte(secret[len("amx_")+idLength+1:])) {
				t.Errorf("%s holds a token", path)
			}
		}
		if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
}

func TestRecord_HoldsNoDigest(t *testing.T) {
	s := newStore(t, nil)
	create(t, s, Record{Name: "laptop"})
	r := newRegistry(t, Options{Store: s, Static: []Static{{Record: Record{Name: "ci"}, Token: TokenOf(staticToken(1))}}})
	hidden := s.current.Load().rows[0].digest
	data, err := json.Marshal([]any{s.List(), r.Clients(), hidden, s.current.Load().rows})
	if err != nil {
		t.Fatal(err)
	}
	all := string(data) + fmt.Sprintf("%v %+v %#v %x %+v %#v", hidden, s.current.Load().rows, s.current.Load().rows, hidden, s, s) +
		fmt.Sprintf("%+v %#v", r, r)
	if strings.Contains(all, hidden.encode()) || strings.Contains(all, fmt.Sprint(hidden.sum)[1:40]) || strings.Contains(all, "sum:") {
		t.Errorf("a digest shows in %s", all)
	}
}

func TestStore_RefusesWhatCannotBe(t *testing.T) {
	s := newStore(t, nil)
	rec, _ := create(t, s, Record{Name: "laptop"})
	before, _ := os.ReadFile(s.path)
	for name, r := range map[string]Record{
		"no name":          {},
		"name taken":       {Name: "LAPTOP"},
		"long name":        {Name: strings.Repeat("a", 65)},
		"space around":     {Name: " a"},
		"line end":         {Name: "a\nb"},
		"right to left":    {Name: "a\u202eb"},
		"not UTF-8":        {Name: "a\xff"},
		"bad team":         {Name: "a", Team: "\x00"},
		"model pattern":    {Name: "a", Scope: Scope{Models: []string{"a*b"}}},
		"empty model":      {Name: "a", Scope: Scope{Models: []string{""}}},
		"unknown dialect":  {Name: "a", Scope: Scope{Dialects: []llm.Dialect{"gemini"}}},
		"no network":       {Name: "a", Scope: Scope{Networks: []netip.Prefix{{}}}},
		"mapped network":   {Name: "a", Scope: Scope{Networks: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)}}},
		"many models":      {Name: "a", Scope: Scope{Models: make([]string, 257)}},
		"negative cap":     {Name: "a", Limits: Limits{MonthlyMicroUSD: -1}},
		"negative rate":    {Name: "a", Limits: Limits{RequestsPerMinute: -1}},
		"absurd cap":       {Name: "a", Limits: Limits{DailyMicroUSD: maxLimit + 1}},
		"burst of nothing": {Name: "a", Limits: Limits{TokenBurst: 5}},
	} {
		if _, token, err := s.Create(r); err == nil || token != (Token{}) {
			t.Errorf("%s: made", name)
		}
		if _, err := s.Update(rec.ID, func(old *Record) error { *old = r; return nil }); err == nil && name != "name taken" {
			t.Errorf("%s: changed to it", name)
		}
	}
	for _, grace := range []time.Duration{-1, maxGrace + 1} {
		if _, _, err := s.Rotate(rec.ID, grace); err == nil {
			t.Errorf("grace of %v", grace)
		}
	}
	if err := s.SetTeam(Team{"t", Limits{MaxStreams: -1}}); err == nil {
		t.Error("a team with a negative limit")
	}
	for what, err := range map[string]error{
		"get":    func() error { _, err := s.Get("nobody"); return err }(),
		"rotate": func() error { _, _, err := s.Rotate("nobody", 0); return err }(),
		"revoke": s.Revoke("nobody"),
		"team":   s.RemoveTeam("nobody"),
		"update": func() error { _, err := s.Update("nobody", func(*Record) error { return nil }); return err }(),
	} {
		if !errors.Is(err, ErrNoClient) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if after, _ := os.ReadFile(s.path); bytes.Equal(before, after) == false && len(s.List()) != 1 {
		t.Error("a refused change left a trace")
	}
}

func TestStore_UpdateKeepsIdentityAndToken(t *testing.T) {
	now := &clock{morning}
	s := newStore(t, now.now)
	r := newRegistry(t, Options{Store: s, Now: now.now})
	rec, token := create(t, s, sample)
	now.t = morning.Add(time.Hour)
	got, err := s.Update(rec.ID, func(r *Record) error {
		*r = Record{ID: "stolen", Name: "renamed", Created: now.t}
		return nil
	})
	if err != nil || got.ID != rec.ID || !got.Created.Equal(morning) || got.Name != "renamed" || got.Models != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if c, err := r.Identify(token, here); err != nil || c.Name != "renamed" {
		t.Errorf("got %v, %v", c, err)
	}
	stop := errors.New("stop")
	if _, err := s.Update(rec.ID, func(r *Record) error { r.Name = "x"; return stop }); !errors.Is(err, stop) || s.List()[0].Name != "renamed" {
		t.Errorf("got %v, %+v", err, s.List())
	}
}

func TestStore_EveryFlippedBitIsSeen(t *testing.T) {
	s := newStore(t, nil)
	rec, _ := create(t, s, Record{Name: "a", Scope: Scope{Models: []string{"m*"}}})
	if _, _, err := s.Rotate(rec.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if _, err := decode(data, s.key); err == nil {
				t.Fatalf("bit %d of byte %d (%q) went unseen", bit, i, data[max(0, i-10):min(len(data), i+10)])
			}
			data[i] ^= 1 << bit
		}
	}
	for n := range data {
		if _, err := decode(data[:n], s.key); err == nil {
			t.Fatalf("cut to %d bytes went unseen", n)
		}
	}
	if _, err := decode(append(data, '\n'), s.key); err == nil {
		t.Error("trailing data went unseen")
	}
	if _, err := decode(data, s.key); err != nil {
		t.Fatal(err)
	}
}

func TestStore_RefusesFilesThatAreNotItsOwn(t *testing.T) {
	s := newStore(t, nil)
	create(t, s, Record{Name: "a"})
	create(t, s, Record{Name: "b"})
	data, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	whole := string(data)
	for name, tc := range map[string]struct{ text, want string }{
		"empty":             {"", "not whole"},
		"no JSON":           {"clients: []", "not JSON"},
		"another format":    {`{"format":"aimux-keystore","version":1}`, "not a file of client keys"},
		"a future version":  {strings.Replace(whole, `"version": 1`, `"version": 2`, 1), "version 2"},
		"generation raised": {strings.Replace(whole, `"generation": 2`, `"generation": 3`, 1), "seal"},
		"unknown field":     {strings.Replace(whole, `"teams"`, `"admin": true, "teams"`, 1), "seal"},
		"one client less":   {whole[:strings.Index(whole, "    {")] + whole[strings.LastIndex(whole, "    {"):], "seal"},
		"a limit added":     {strings.Replace(whole, `"name": "a",`, `"name": "a", "limits": {},`, 1), "seal"},
	} {
		path := filepath.Join(t.TempDir(), "clients.json")
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenStore(path, pepper, nil); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
		if left, _ := os.ReadFile(path); string(left) != tc.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := OpenStore(s.path, append([]byte{1}, pepper...), nil); !errors.Is(err, ErrSeal) {
		t.Errorf("another pepper: %v", err)
	}
}

func TestStore_RefusesWhatIsNoPrivateFile(t *testing.T) {
	s := newStore(t, nil)
	create(t, s, Record{Name: "a"})
	if err := os.Chmod(s.path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(s.path, pepper, nil); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	if _, err := OpenStore(t.TempDir(), pepper, nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	dangling := filepath.Join(t.TempDir(), "clients.json")
	if err := os.Symlink("/nowhere", dangling); err != nil {
		t.Skip(err)
	}
	if _, err := OpenStore(dangling, pepper, nil); err == nil || !strings.Contains(err.Error(), "leads nowhere") {
		t.Errorf("a link that dangles: %v", err)
	}
	if err := errors.Join(os.Chmod(s.path, 0o600), os.Chown(s.path, 4711, -1)); err != nil {
		t.Skip(err)
	}
	if _, err := OpenStore(s.path, pepper, nil); err == nil || !strings.Contains(err.Error(), "belongs to user 4711") {
		t.Errorf("another user's file: %v", err)
	}
}

func TestStore_SeesWhatAnotherProcessWroteAndRefusesAFormerFile(t *testing.T) {
	mine := newStore(t, nil)
	rec, _ := create(t, mine, Record{Name: "a"})
	former, err := os.ReadFile(mine.path)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := mine.Reload(); changed || err != nil {
		t.Errorf("unchanged: %v, %v", changed, err)
	}
	theirs := openStore(t, mine.path, nil)
	if err := theirs.Revoke(rec.ID); err != nil {
		t.Fatal(err)
	}
	if changed, err := mine.Reload(); !changed || err != nil || len(mine.List()) != 0 {
		t.Errorf("after a revocation elsewhere: %v, %v, %v", changed, err, mine.List())
	}
	create(t, theirs, Record{Name: "b"})
	create(t, mine, Record{Name: "c"})
	if n := len(mine.List()); n != 2 {
		t.Errorf("a change of mine lost theirs: %v", mine.List())
	}
	if err := os.WriteFile(mine.path, former, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.Reload(); !errors.Is(err, ErrRolledBack) {
		t.Errorf("a former file: %v", err)
	}
	if _, _, err := mine.Create(Record{Name: "d"}); !errors.Is(err, ErrRolledBack) {
		t.Errorf("on a former file: %v", err)
	}
	if n := len(mine.List()); n != 2 {
		t.Errorf("has %v", mine.List())
	}
	if err := os.Remove(mine.path); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.Reload(); err == nil {
		t.Error("the file is gone and nobody minds")
	}
}

func TestStore_ChangesSideBySideAllCount(t *testing.T) {
	a := newStore(t, nil)
	b := openStore(t, a.path, nil)
	a.patience, b.patience = 10*time.Second, 10*time.Second
	var wg sync.WaitGroup
	for i := range 10 {
		for j, s := range []*Store{a, b} {
			wg.Go(func() {
				if _, _, err := s.Create(Record{Name: fmt.Sprint(i, j)}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if c := openStore(t, a.path, nil).current.Load(); len(c.rows) != 20 || c.generation != 20 {
		t.Errorf("%d rows in generation %d", len(c.rows), c.generation)
	}
}

func TestStore_LockedByAnotherFailsClearly(t *testing.T) {
	s := newStore(t, nil)
	lock, err := filelock.Acquire(t.Context(), s.path+".lock", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Create(Record{Name: "a"}); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("got %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	create(t, s, Record{Name: "a"})
}

func TestStore_NothingChangesWhenTheFileCannotBeWritten(t *testing.T) {
	s := newStore(t, nil)
	rec, token := create(t, s, Record{Name: "a"})
	r := newRegistry(t, Options{Store: s})
	path := s.path
	s.path = filepath.Join(path, "below", "a", "file") // no directory can be there
	if _, _, err := s.Rotate(rec.ID, 0); err == nil {
		t.Error("no error")
	}
	if _, err := r.Identify(token, here); err != nil {
		t.Errorf("the token that is still on disk: %v", err)
	}
}

func TestWithin_NobodyIssuesMoreThanTheyHave(t *testing.T) {
	issuer := Record{Name: "issuer", Team: "tools", Expires: morning.Add(day), Scope: Scope{
		Models: []string{"coder", "zai/*"}, Dialects: []llm.Dialect{llm.Anthropic},
		Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}, Limits: Limits{RequestsPerMinute: 10, DailyMicroUSD: 100, MaxStreams: 2}}
	change := func(edit func(*Record)) Record {
		r := issuer.clone()
		edit(&r)
		return r
	}
	for name, tc := range map[string]struct {
		r    Record
		want string // in the error; empty: it is within
	}{
		"the same":             {change(func(*Record) {}), ""},
		"less of everything":   {change(func(r *Record) { r.Models = []string{"zai/glm", "zai/g*"}; r.Limits.DailyMicroUSD = 1 }), ""},
		"a part of a network":  {change(func(r *Record) { r.Networks = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")} }), ""},
		"every model":          {change(func(r *Record) { r.Models = nil }), "models"},
		"star":                 {change(func(r *Record) { r.Models = []string{"*"} }), `model "*"`},
		"a wider beginning":    {change(func(r *Record) { r.Models = []string{"za*"} }), "model"},
		"exact made open":      {change(func(r *Record) { r.Models = []string{"coder*"} }), "model"},
		"one model more":       {change(func(r *Record) { r.Models = append(r.Models, "other") }), `model "other"`},
		"another dialect":      {change(func(r *Record) { r.Dialects = []llm.Dialect{llm.OpenAI} }), "dialect"},
		"every dialect":        {change(func(r *Record) { r.Dialects = nil }), "dialects"},
		"a wider network":      {change(func(r *Record) { r.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/7")} }), "network"},
		"IPv6":                 {change(func(r *Record) { r.Networks = []netip.Prefix{netip.MustParsePrefix("::/0")} }), "network"},
		"everywhere":           {change(func(r *Record) { r.Networks = nil }), "networks"},
		"for ever":             {change(func(r *Record) { r.Expires = time.Time{} }), "expiry"},
		"longer":               {change(func(r *Record) { r.Expires = r.Expires.Add(1) }), "expiry"},
		"no daily cap":         {change(func(r *Record) { r.Limits.DailyMicroUSD = 0 }), "daily_microusd"},
		"a higher rate":        {change(func(r *Record) { r.Limits.RequestsPerMinute = 11 }), "requests_per_minute"},
		"a higher burst":       {change(func(r *Record) { r.Limits.RequestBurst = 11 }), "request_burst"},
		"another team":         {change(func(r *Record) { r.Team = "others" }), "team"},
		"of no team":           {change(func(r *Record) { r.Team = "" }), "team"},
		"a cap nobody set":     {change(func(r *Record) { r.Limits.MonthlyMicroUSD = 5 }), ""},
		"unlimited concurrent": {change(func(r *Record) { r.Limits.MaxStreams = 0 }), "max_streams"},
	} {
		err := tc.r.Within(&issuer)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
		if err := tc.r.Within(&Record{}); err != nil {
			t.Errorf("%s, issued by one who may everything: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	s := newStore(f, nil)
	rec := sample.clone() // the same in every process that fuzzes
	rec.ID, rec.Created = "abc", morning
	data, err := encode(&contents{generation: 1, rows: []row{{Record: rec, digest: s.hash.sum(staticToken(1))}}}, s.key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format":"aimux-clients","version":1,"clients":[{}]}`))
	f.Add([]byte(`{"format":"aimux-clients","version":1,"generation":18446744073709551616}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, err := decode(in, s.key); err == nil && !bytes.Equal(in, data) {
			t.Fatalf("forged: %s", in)
		}
	})
}

func BenchmarkStoreOpen(b *testing.B) {
	s := newStore(b, nil)
	c := new(contents)
	for i := range 1000 {
		c.rows = append(c.rows, row{Record: Record{ID: fmt.Sprint("id", i), Name: fmt.Sprint(i)}, digest: s.hash.sum(staticToken(i))})
	}
	data, err := encode(c, s.key)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(s.path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		openStore(b, s.path, nil)
	}
}

func TestStore_GuardsWhileItHasAClientAndAfterItWasToldSo(t *testing.T) {
	s := newStore(t, nil)
	if s.Guards() {
		t.Error("an empty store guards")
	}
	made, _ := create(t, s, Record{Name: "laptop"})
	if !s.Guards() {
		t.Error("with a client it does not guard")
	}
	if err := s.Revoke(made.ID); err != nil {
		t.Fatal(err)
	}
	if s.Guards() {
		t.Error("a client nobody was asked for guards")
	}
	if s.Guard(); !s.Guards() {
		t.Error("the last client was revoked, and the gateway is open")
	}
}
