package control_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

func set(pointer, value string) console.ConfigChange {
	return console.ConfigChange{Set: []console.ConfigSet{{Pointer: pointer, Value: jsontext.Value(value)}}}
}

func TestConfig_IsValidatedChangedAndTakenBack(t *testing.T) {
	g, b := begin(t, document)
	check, err := b.Config.Validate(t.Context(), set("/timeouts/connect", `"soon"`))
	if err != nil || check.OK || len(check.Problems) != 1 || check.Problems[0].Pointer != "/timeouts/connect" {
		t.Errorf("%v %+v", err, check)
	}
	check, err = b.Config.Validate(t.Context(), set("/timeouts/connect", `"7s"`))
	if err != nil || !check.OK || len(check.Diff) != 1 || string(check.Diff[0].After) != `"7s"` || g.overrides() != "" {
		t.Errorf("%v %+v %s", err, check, g.overrides())
	}
	before, _ := b.Config.Get(t.Context())
	after, err := b.Config.Put(t.Context(), before.Etag, set("/timeouts/connect", `"7s"`))
	if err != nil || after.Etag == before.Etag || len(after.Undo) != 1 || !strings.Contains(after.Text, "7s") {
		t.Fatalf("%v %+v", err, after)
	}
	if _, err := b.Config.Put(t.Context(), before.Etag, set("/timeouts/connect", `"8s"`)); status(err) != 412 {
		t.Errorf("a stale tag: %v", err)
	}
	if _, err := b.Config.Put(t.Context(), after.Etag, set("/timeouts/connect", `"soon"`)); status(err) != 422 {
		t.Errorf("an invalid value: %v", err)
	}
	back, err := b.Config.Undo(t.Context(), after.Undo[0].ID)
	if err != nil || strings.Contains(back.Text, "7s") || len(back.Undo) != 2 {
		t.Errorf("%v %+v", err, back)
	}
	if _, err := b.Config.Undo(t.Context(), "../../aimux"); status(err) != 404 {
		t.Errorf("a change that never was: %v", err)
	}
}

func TestConfig_SaysEveryProblemAtOnce(t *testing.T) {
	_, b := begin(t, document)
	change := console.ConfigChange{Set: append(set("/timeouts/connect", `"soon"`).Set, set("/routing/strategy", `"luck"`).Set...)}
	check, err := b.Config.Validate(t.Context(), change)
	if err != nil || len(check.Problems) != 2 {
		t.Errorf("%v %+v", err, check)
	}
}

func TestConfig_OfTwoChangesAtOnceOneIsStale(t *testing.T) {
	g, b := begin(t, document)
	view, err := b.Config.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		all.Go(func() {
			_, results[i] = b.Config.Put(t.Context(), view.Etag, set("/limits/streams", string(rune('1'+i))))
		})
	}
	all.Wait()
	won := 0
	for _, err := range results {
		switch status(err) {
		case 0:
			won++
		case 412:
		default:
			t.Errorf("%v", err)
		}
	}
	if won != 1 || g.applied != 2 {
		t.Errorf("%d changes were made, %d applied", won, g.applied-1)
	}
}

func TestAudit_AChangeThatCannotBeWrittenDownMayNotBegin(t *testing.T) {
	g, b := begin(t, document)
	end, err := b.Audit.Begin(t.Context(), console.AuditEntry{Actor: "anna", Action: "provider.toggle", Target: "one", After: jsontext.Value(`{"enabled":false}`)})
	if err != nil {
		t.Fatal(err)
	}
	end("applied")
	records, _, err := b.Audit.Records(t.Context(), "", 10)
	if err != nil || len(records) != 3 || records[0].Outcome != "applied" || records[1].Outcome != "begun" || !strings.Contains(string(records[1].After), "false") {
		t.Errorf("%v %+v", err, records)
	}
	if verdict, err := b.Audit.Verify(t.Context()); err != nil || !verdict.OK {
		t.Errorf("%v %+v", err, verdict)
	}
	g.audited = errors.New("the disk is full")
	if _, err := b.Audit.Begin(t.Context(), console.AuditEntry{Actor: "anna", Action: "provider.toggle"}); err == nil {
		t.Error("it began")
	}
}

func TestModels_RowsOfTheFileAreSwitchedOffNotLost(t *testing.T) {
	g, b := begin(t, document)
	table, err := b.Models.List(t.Context())
	if err != nil || len(table.Rows) != 3 {
		t.Fatalf("%v %+v", err, table)
	}
	rows := []console.ModelRow{table.Rows[0], {Alias: "coder", Provider: "two", Model: "glm-5.1", Tier: ptr(3)}}
	after, err := b.Models.Put(t.Context(), table.Etag, rows)
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]bool{}
	for _, r := range after.Rows {
		on[r.Alias+" "+r.Model] = r.Enabled == nil || *r.Enabled
	}
	want := map[string]bool{"coder gpt-5.6": true, "coder glm-5.1": true, "coder glm-5.2": false, "fast glm-5.2": false}
	if diff := cmp.Diff(want, on); diff != "" {
		t.Error(diff)
	}
	for _, a := range after.Aliases {
		last := a.Candidates[len(a.Candidates)-1]
		if a.Alias == "coder" && (len(a.Candidates) != 3 || !a.Candidates[0].Picked || last.Filtered != "switched off" || last.Enabled) {
			t.Errorf("coder: %+v", a.Candidates)
		}
	}
	if _, err := b.Models.Put(t.Context(), table.Etag, rows); status(err) != 412 {
		t.Errorf("a stale tag: %v", err)
	}
	if _, err := b.Models.Put(t.Context(), "*", table.Rows); err != nil || !strings.Contains(g.overrides(), "models") {
		t.Errorf("switched on again: %v", err)
	}
	again, _ := b.Models.List(t.Context())
	for _, a := range again.Aliases {
		if a.Alias == "fast" && !a.Candidates[0].Picked {
			t.Errorf("fast: %+v", a)
		}
	}
	if _, err := b.Providers.Toggle(t.Context(), "two", false); err != nil {
		t.Fatal(err)
	}
	off, _ := b.Models.List(t.Context())
	if last := off.Aliases[0].Candidates; last[len(last)-1].Filtered != "the provider is switched off" {
		t.Errorf("%+v", last)
	}
}

func TestClients_AreMadeChangedRotatedAndRevoked(t *testing.T) {
	g, b := begin(t, document)
	made, token, err := b.Clients.Create(t.Context(), console.ClientSettings{Name: "anna", Models: []string{"coder"}, DailyMicroUSD: 5})
	if err != nil || token == "" || made.Name != "anna" {
		t.Fatalf("%v %+v", err, made)
	}
	if _, _, err := b.Clients.Create(t.Context(), console.ClientSettings{Name: "bob", Networks: []string{"here"}}); status(err) != 422 {
		t.Errorf("a network that is none: %v", err)
	}
	changed, err := b.Clients.Put(t.Context(), made.ID, console.ClientSettings{Name: "anna", Enabled: ptr(false)})
	if err != nil || *changed.Enabled || len(changed.Models) != 0 {
		t.Errorf("%v %+v", err, changed)
	}
	_, fresh, err := b.Clients.Rotate(t.Context(), made.ID, 0)
	if err != nil || fresh == token {
		t.Errorf("%v", err)
	}
	if err := b.Clients.Delete(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	if err := b.Clients.Delete(t.Context(), "nobody"); status(err) != 404 {
		t.Errorf("%v", err)
	}
	g.failing = errors.New("no")
	if _, _, err := b.Clients.Create(t.Context(), console.ClientSettings{Name: "carl"}); err == nil {
		t.Error("a client was made that is not in force")
	}
}

func TestClients_AChangeIsInForceWhateverTheFilesSayByNow(t *testing.T) {
	g, b := begin(t, document)
	made, _, err := b.Clients.Create(t.Context(), console.ClientSettings{Name: "anna", DailyMicroUSD: 5})
	if err != nil {
		t.Fatal(err)
	}
	g.failing = errors.New("the user's file is half edited")
	limit := console.ClientSettings{Name: "anna", DailyMicroUSD: 7}
	if _, err := b.Clients.Put(t.Context(), made.ID, limit); err == nil {
		t.Error("without a registry nobody sees the change, and it was answered as made")
	}
	g.guarded = true
	limit.DailyMicroUSD = 9
	if changed, err := b.Clients.Put(t.Context(), made.ID, limit); err != nil || changed.DailyMicroUSD != 9 {
		t.Errorf("%v %+v", err, changed)
	}
	if all, err := b.Clients.List(t.Context()); err != nil || len(all) != 1 || all[0].DailyMicroUSD != 9 {
		t.Errorf("%v %+v", err, all)
	}
}

func TestMetrics_SayWhatIsUnderWay(t *testing.T) {
	g, b := begin(t, document)
	g.streams = 2
	now, err := b.Metrics.Now(t.Context(), 60e9)
	if err != nil || now.InFlight != 3 || now.Streams != 2 {
		t.Errorf("%v %+v", err, now)
	}
	h, err := b.Metrics.History(t.Context(), 3600e9)
	if err != nil || h.InFlight[len(h.InFlight)-1] != 3 || len(h.InFlight) != len(h.Time) {
		t.Errorf("%v %v", err, h.InFlight)
	}
}
