package usage

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExchange_IsFoundInEveryBlockAndBehindGaps(t *testing.T) {
	o := quiet(tempPath(t))
	o.Queue = 10_000
	l := open(t, o)
	all := samples(3*4096/slow, noon, time.Second)
	for i := range all { // unlike each other from the beginning, as a gateway's are
		all[i].ID = "req_" + string("0123456789abcdef"[i%16]) + all[i].ID[20:] + all[i].ID[4:20]
	}
	for batch := range slices.Chunk(all, 1000) {
		record(t, l, batch...)
	}
	err := l.keeper.ask(t.Context(), func() error { // a gap of two blocks and more
		return l.keeper.db.exec("UPDATE exchanges SET seq = seq + 10000000 WHERE seq > 2000 / ?", slow)
	})
	if err != nil {
		t.Fatal(err)
	}
	r := readerOf(t, l)
	for i := 0; i < len(all); i += 977 {
		if got, err := r.Exchange(t.Context(), all[i].ID); err != nil || !got.Start.Equal(all[i].Start) {
			t.Fatalf("exchange %d: %v (%v)", i, got.Start, err)
		}
		for _, length := range []int{5, rare - 1, rare, 12, len(all[i].ID)} {
			prefix := all[i].ID[:length]
			want := slices.DeleteFunc(ids(all), func(id string) bool { return !strings.HasPrefix(id, prefix) })
			slices.Reverse(want)
			page, err := r.Exchanges(t.Context(), Filter{ID: prefix}, 1000, "")
			if got := ids(page.Exchanges); err != nil || !slices.Equal(got, want[:min(len(want), 1000)]) {
				t.Fatalf("%q: %d found, want %d (%v)", prefix, len(got), len(want), err)
			}
		}
	}
}

func TestInBlocks_IsAnsweredFromTheIndexAlone(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	r := readerOf(t, l)
	var plan []string
	for _, condition := range []string{"e.id = 'req_1'", "e.id >= 'req_1' AND e.id < 'req_2'"} {
		err := r.snapshot(t.Context(), func(tx *sql.Tx) error {
			query := "EXPLAIN QUERY PLAN SELECT " + columns + " FROM exchanges x WHERE " + inBlocks(condition)
			return scanAll(context.Background(), tx, query, nil, func(rows *sql.Rows) error {
				var id, parent, unused int
				var detail string
				err := rows.Scan(&id, &parent, &unused, &detail)
				plan = append(plan, detail)
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		steps := strings.Join(plan, "\n")
		if !strings.Contains(steps, "SEARCH e USING COVERING INDEX exchanges_block (<expr>=? AND id") || strings.Contains(steps, "SCAN x") {
			t.Errorf("%s is answered by\n%s", condition, steps)
		}
	}
}
