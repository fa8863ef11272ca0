package client

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestIdentify_TellsWhyItRefuses(t *testing.T) {
	now := &clock{morning}
	s := newStore(t, now.now)
	r := newRegistry(t, Options{Store: s, Now: now.now})
	good, goodToken := create(t, s, Record{Name: "good"})
	_, expired := create(t, s, Record{Name: "expired", Expires: morning})
	_, disabled := create(t, s, Record{Name: "disabled", Disabled: true})
	_, elsewhere := create(t, s, Record{Name: "elsewhere", Scope: Scope{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}})
	for name, tc := range map[string]struct {
		token string
		want  error
	}{
		"nothing":            {"", Missing},
		"typo":               {goodToken[:20] + "-" + goodToken[21:], Malformed},
		"cut":                {goodToken[:len(goodToken)-1], Malformed},
		"too short to be":    {"sk-123", Malformed},
		"too long":           {strings.Repeat("a", 1<<20), Malformed},
		"line end":           {strings.Repeat("a", 40) + "\n", Malformed},
		"not ASCII":          {strings.Repeat("é", 20), Malformed},
		"forged":             {newToken(good.ID).Reveal(), Unknown},
		"somebody's":         {"sk-ant-api03-somebody-elses-key", Unknown},
		"query text":         {"'OR(1=1)--aaaaaaaaaaaaaaaaaaaaaa", Unknown},
		"expired":            {expired, Expired},
		"disabled":           {disabled, Disabled},
		"from another place": {elsewhere, WrongNetwork},
	} {
		if c, err := r.Identify(tc.token, here); c != nil || !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, %v, want %v", name, c, err, tc.want)
		}
	}
	if c, err := r.Identify(goodToken, here); err != nil || c.ID != good.ID || c.Source != FromStore {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestIdentify_WhatIsStoredIsNoToken(t *testing.T) {
	s := newStore(t, nil)
	r := newRegistry(t, Options{Store: s})
	rec, token := create(t, s, Record{Name: "laptop"})
	stored := s.current.Load().rows[0].digest
	for name, text := range map[string]string{
		"digest in hex": stored.encode(), "digest as it is": string(stored.sum[:]), "id": rec.ID, "name": rec.Name + "-and-some-more-letters",
		"token without checksum": token[:len(token)-checksumLength], "token in capitals": strings.ToUpper(token),
		"another secret, same id": newToken(rec.ID).Reveal(), "same secret, another id": "amx_abc" + token[len("amx_")+len(rec.ID):],
	} {
		if _, err := r.Identify(text, here); err == nil {
			t.Errorf("%s lets one in", name)
		}
	}
}

func TestRegistry_IsReadWhileTheStoreChanges(t *testing.T) {
	s := newStore(t, nil)
	r := newRegistry(t, Options{Store: s})
	rec, _ := create(t, s, Record{Name: "changing"})
	_, token := create(t, s, Record{Name: "constant", Limits: Limits{MaxStreams: 8}})
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for open := true; open; {
				select {
				case <-done:
					open = false
				default:
				}
				c, err := r.Identify(token, here)
				if err != nil {
					t.Error(err)
					return
				}
				reservation, denial := c.Reserve(Ask{Now: morning})
				if denial != nil {
					t.Error(denial)
				}
				reservation.Settle(0, 0, morning)
			}
		})
	}
	for range 10 {
		_, fresh, err := s.Rotate(rec.ID, 0)
		if err != nil {
			t.Error(err)
			break
		}
		if _, err := r.Identify(fresh.Reveal(), here); err != nil {
			t.Errorf("right after a rotation: %v", err)
		}
	}
	close(done)
	wg.Wait()
	if u := r.Clients()[1].Usage(morning); u.Streams != 0 {
		t.Errorf("%d exchanges are left", u.Streams)
	}
}

func TestReason_PublicTextDoesNotTellWhatWasStolen(t *testing.T) {
	for _, r := range []Reason{Disabled, WrongNetwork, 0, 77} {
		if r.Public() != Unknown.Public() {
			t.Errorf("%v reads differently from an unknown key: %s", r, r.Public())
		}
	}
	err := error(&RefusedError{Reason: WrongNetwork, ID: "abc"})
	var reason Reason
	if !errors.As(err, &reason) || strings.Contains(reason.Public(), "abc") || !strings.Contains(err.Error(), "abc") {
		t.Errorf("got %v", err)
	}
}

func TestNewRegistry_RefusesAPepperThatCouldBeGuessed(t *testing.T) {
	for _, n := range []int{0, 1, 31} {
		if _, err := NewRegistry(Options{Pepper: make([]byte, n)}); err == nil {
			t.Errorf("%d bytes were enough", n)
		}
		if _, err := OpenStore(t.TempDir()+"/c", make([]byte, n), nil); err == nil {
			t.Errorf("%d bytes were enough for the store", n)
		}
	}
}

func TestNewRegistry_AnotherPepperKnowsNobody(t *testing.T) {
	row := Static{Record: Record{Name: "ci"}, Token: TokenOf(staticToken(1))}
	a := newRegistry(t, Options{Static: []Static{row}})
	b, err := NewRegistry(Options{Pepper: append([]byte{1}, pepper...), Static: []Static{row}})
	if err != nil {
		t.Fatal(err)
	}
	if a.hash.sum(staticToken(1)) == b.hash.sum(staticToken(1)) {
		t.Error("the pepper makes no difference")
	}
}

func TestNewRegistry_RefusesRowsThatCannotBeAndNeverShowsTheirTokens(t *testing.T) {
	const secret = "hunter2hunter2"
	row := func(name, token string) Static { return Static{Record: Record{Name: name}, Token: TokenOf(token)} }
	for name, tc := range map[string]struct {
		rows []Static
		want string
	}{
		"empty token":        {[]Static{row("a", "")}, "empty"},
		"short token":        {[]Static{row("a", secret)}, "too short"},
		"long token":         {[]Static{row("a", strings.Repeat(secret, 40))}, "visible ASCII"},
		"token with a space": {[]Static{row("a", secret+" "+secret)}, "visible ASCII"},
		"half of our own":    {[]Static{row("a", "amx_"+secret+secret)}, "begins with amx_"},
		"same token":         {[]Static{row("a", secret+secret), row("b", secret+secret)}, `same token as client "a"`},
		"same name":          {[]Static{row("a", secret+secret), row("a", secret+secret+"x")}, "two of that name"},
		"no name":            {[]Static{row("", secret+secret)}, "name"},
		"control character":  {[]Static{row("a\x1b[31m", secret+secret)}, "printed"},
		"negative limit": {[]Static{{Record: Record{Name: "a", Limits: Limits{DailyMicroUSD: -1}}, Token: TokenOf(secret + secret)}},
			"daily_microusd -1"},
		"absurd limit": {[]Static{{Record: Record{Name: "a", Limits: Limits{TokensPerMinute: 1 << 62}}, Token: TokenOf(secret + secret)}},
			"tokens_per_minute"},
		"negative burst": {[]Static{{Record: Record{Name: "a", Limits: Limits{RequestsPerMinute: 1, RequestBurst: -5}}, Token: TokenOf(secret + secret)}},
			"request_burst"},
	} {
		_, err := NewRegistry(Options{Pepper: pepper, Static: tc.rows})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: shows the token: %v", name, err)
		}
	}
	if _, err := NewRegistry(Options{Pepper: pepper, Teams: []Team{{"t", Limits{MaxStreams: -1}}}}); err == nil {
		t.Error("a team may have a negative limit")
	}
}

func TestRegistry_SeesWhatTheStoreDoesAtOnce(t *testing.T) {
	now := &clock{morning}
	s := newStore(t, now.now)
	r := newRegistry(t, Options{Store: s, Now: now.now, Static: []Static{{Record: Record{Name: "ci"}, Token: TokenOf(staticToken(1))}}})
	rec, token := create(t, s, Record{Name: "laptop"})
	if _, err := r.Identify(token, here); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(rec.ID, func(r *Record) error { r.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Identify(token, here); !errors.Is(err, Disabled) {
		t.Errorf("after disabling: %v", err)
	}
	if err := s.Revoke(rec.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Identify(token, here); !errors.Is(err, Unknown) {
		t.Errorf("after revoking: %v", err)
	}
	if c, err := r.Identify(staticToken(1), here); err != nil || c.ID != "config/ci" || c.Source != FromConfig {
		t.Errorf("the configuration's own: %v, %v", c, err)
	}
}

func TestRegistry_ReplacedTokenWorksForTheTimeOfGrace(t *testing.T) {
	now := &clock{morning}
	s := newStore(t, now.now)
	r := newRegistry(t, Options{Store: s, Now: now.now})
	rec, first := create(t, s, Record{Name: "laptop"})
	rotate := func(grace time.Duration) string {
		_, token, err := s.Rotate(rec.ID, grace)
		if err != nil {
			t.Fatal(err)
		}
		return token.Reveal()
	}
	second := rotate(time.Hour)
	works := func(when string, token string, want bool) {
		t.Helper()
		if _, err := r.Identify(token, here); (err == nil) != want {
			t.Errorf("%s: got %v", when, err)
		}
	}
	works("first, in grace", first, true)
	works("second", second, true)
	now.t = morning.Add(time.Hour - time.Second)
	works("first, at the end of grace", first, true)
	now.t = morning.Add(time.Hour)
	works("first, after grace", first, false)
	works("second, after grace", second, true)
	third := rotate(time.Hour)
	works("first, two rotations on", first, false)
	works("second, in grace", second, true)
	fourth := rotate(0)
	works("second, two on", second, false)
	works("third, replaced at once", third, false)
	works("fourth", fourth, true)
}

func TestRegistry_CountersSurviveANewRegistryAndAChangedRow(t *testing.T) {
	now := &clock{morning}
	s, accounts := newStore(t, now.now), new(Accounts)
	rec, token := create(t, s, Record{Name: "laptop", Limits: Limits{DailyMicroUSD: 100, MaxStreams: 2}})
	identify := func(r *Registry) *Client {
		c, err := r.Identify(token, here)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	r := newRegistry(t, Options{Store: s, Accounts: accounts, Now: now.now})
	under := reserve(t, identify(r), Ask{Cost: 60, Now: now.t})
	if _, err := s.Update(rec.ID, func(r *Record) error { r.Limits.DailyMicroUSD = 90; return nil }); err != nil {
		t.Fatal(err)
	}
	if d := denied(t, identify(r), Ask{Cost: 31, Now: now.t}); d.Limit != 90 || d.Remaining != 30 {
		t.Errorf("after a changed row: %+v", d)
	}
	r = newRegistry(t, Options{Store: s, Accounts: accounts, Now: now.now})
	under.Settle(0, 50, now.t)
	if u := identify(r).Usage(now.t); u != (Usage{Streams: 0, TodayMicroUSD: 50, MonthMicroUSD: 50}) {
		t.Errorf("in the new registry: %+v", u)
	}
}

func TestAllows_ModelsAndDialects(t *testing.T) {
	for name, tc := range map[string]struct {
		models   []string
		dialects []llm.Dialect
		model    string
		dialect  llm.Dialect
		want     bool
	}{
		"everything":           {nil, nil, "any", llm.OpenAI, true},
		"exact":                {[]string{"coder"}, nil, "coder", llm.OpenAI, true},
		"exact is not a start": {[]string{"coder"}, nil, "coder2", llm.OpenAI, false},
		"case counts":          {[]string{"coder"}, nil, "Coder", llm.OpenAI, false},
		"beginning":            {[]string{"x", "zai/*"}, nil, "zai/glm-5.2", llm.OpenAI, true},
		"beginning alone":      {[]string{"zai/*"}, nil, "zai/", llm.OpenAI, true},
		"another beginning":    {[]string{"zai/*"}, nil, "zaj/glm", llm.OpenAI, false},
		"star":                 {[]string{"*"}, nil, "", llm.OpenAI, true},
		"no name":              {[]string{"coder"}, nil, "", llm.OpenAI, false},
		"dialect":              {nil, []llm.Dialect{llm.Anthropic}, "any", llm.Anthropic, true},
		"another dialect":      {nil, []llm.Dialect{llm.Anthropic}, "any", llm.Responses, false},
		"both must fit":        {[]string{"a"}, []llm.Dialect{llm.Anthropic}, "b", llm.Anthropic, false},
	} {
		c := newClient(Record{Scope: Scope{Models: tc.models, Dialects: tc.dialects}}, FromStore, new(Accounts), nil)
		if got := c.Allows(tc.model, tc.dialect); got != tc.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestAllowsFrom_SeesThroughMappedAndZonedAddresses(t *testing.T) {
	c := newClient(Record{Scope: Scope{Networks: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fe80::/10"),
	}}}, FromStore, new(Accounts), nil)
	for text, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fe80::1%eth0": true, "fe80::1": true,
		"11.1.2.3": false, "::ffff:11.1.2.3": false, "::1": false, "::10.1.2.3": false,
	} {
		if got := c.AllowsFrom(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
	if c.AllowsFrom(netip.Addr{}) {
		t.Error("nowhere is allowed")
	}
}

func FuzzIdentify(f *testing.F) {
	r := newRegistry(f, Options{Static: []Static{{Record: Record{Name: "ci"}, Token: TokenOf(staticToken(1))}}})
	f.Add(staticToken(1))
	f.Add(newToken("abc").Reveal())
	f.Add("'; DROP TABLE clients; --")
	f.Add("%s%n\x00")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := r.Identify(token, here)
		if (c != nil) != (token == staticToken(1)) || (c == nil) == (err == nil) {
			t.Fatalf("%q: %v, %v", token, c, err)
		}
	})
}

func BenchmarkIdentify(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			rows := make([]Static, n)
			tokens := make([]string, n)
			for i := range rows {
				tokens[i] = newToken(newID()).Reveal()
				rows[i] = Static{Record: Record{Name: fmt.Sprint("client", i)}, Token: TokenOf(tokens[i])}
			}
			r := newRegistry(b, Options{Static: rows})
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := r.Identify(tokens[i%n], here); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
	b.Run("unknown", func(b *testing.B) {
		r := newRegistry(b, Options{})
		token := newToken("abc").Reveal()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Identify(token, here); err != Unknown {
				b.Fatal(err)
			}
		}
	})
}

func TestIdentify_DoesNotAllocate(t *testing.T) {
	token := newToken("abc").Reveal()
	r := newRegistry(t, Options{Static: []Static{{Record: Record{Name: "ci", Scope: Scope{Models: []string{"a", "b*"}}}, Token: TokenOf(token)}}})
	n := testing.AllocsPerRun(200, func() {
		c, err := r.Identify(token, here)
		if err != nil || !c.Allows("bcd", llm.OpenAI) {
			t.Fatal(err)
		}
	})
	if n != 0 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkRebuild is what the first request after a change of the store pays.
func BenchmarkRebuild(b *testing.B) {
	s := newStore(b, nil)
	c := new(contents)
	for i := range 10_000 {
		c.rows = append(c.rows, row{Record: Record{ID: fmt.Sprint("id", i), Name: fmt.Sprint(i)}, digest: s.hash.sum(staticToken(i))})
	}
	s.current.Store(c)
	r := newRegistry(b, Options{Store: s})
	for b.Loop() {
		s.current.Store(s.current.Load().clone())
		r.table()
	}
}
