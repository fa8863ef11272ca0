package console_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

func TestPaging_TenThousandProvidersComeInPages(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	for i := range 10_000 {
		s.AddProvider(console.Provider{ID: fmt.Sprintf("p%05d", i), Origin: "file", Status: "idle"})
	}
	seen, cursor, pages := map[string]bool{}, "", 0
	for {
		a := s.Call(t, "viewer", "GET", "/api/providers?limit=500&cursor="+cursor, "")
		var got struct {
			Providers []struct{ ID string }
			Next      string
		}
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || len(a.Body) > 1<<20 {
			t.Fatalf("%d bytes, %v", len(a.Body), err)
		}
		for _, p := range got.Providers {
			if seen[p.ID] {
				t.Fatalf("%s comes twice", p.ID)
			}
			seen[p.ID] = true
		}
		pages++
		if cursor = got.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 10_003 || pages != 21 {
		t.Errorf("%d providers in %d pages", len(seen), pages)
	}
}

func TestPaging_RowsThatGoMeanwhileShiftNothing(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	first := s.Call(t, "viewer", "GET", "/api/providers?limit=2", "")
	var got struct {
		Providers []struct{ ID string }
		Next      string
	}
	_ = json.Unmarshal([]byte(first.Body), &got)
	s.Call(t, "admin", "DELETE", "/api/providers/"+got.Providers[0].ID, "")
	second := s.Call(t, "viewer", "GET", "/api/providers?limit=2&cursor="+got.Next, "")
	if !strings.Contains(second.Body, `"id":"minimax"`) || strings.Contains(second.Body, `"id":"zai"`) {
		t.Errorf("the second page is %.200s", second.Body)
	}
	for _, bad := range []string{"limit=0", "limit=501", "limit=x", "cursor=!!", "cursor=MTp6", "cursor=" + strings.Repeat("A", 2000)} {
		if a := s.Call(t, "viewer", "GET", "/api/providers?"+bad, ""); a.Status != 400 && bad != "cursor=MTp6" {
			t.Errorf("%s: %d", bad, a.Status)
		}
	}
}
