package schema_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aimux/aimux/schema"
)

const configurationDoc = "../docs/configuration.md"

// splitDoc cuts the document where its generated part begins and ends.
func splitDoc(t *testing.T) (head, fields, tail string) {
	t.Helper()
	data, err := os.ReadFile(configurationDoc)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "from schema/aimux.schema.json -->\n", "<!-- end of fields -->"
	before, rest, ok := strings.Cut(string(data), begin)
	fields, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the marks around the fields are gone")
	}
	return before + begin, fields, end + after
}

func TestReference_DocumentIsCurrent(t *testing.T) {
	head, fields, tail := splitDoc(t)
	want := "\n" + schema.Reference()
	if *update {
		if err := os.WriteFile(configurationDoc, []byte(head+want+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if fields != want {
		t.Errorf("%s is not what the schema says; run go test ./schema -run Reference -update", configurationDoc)
	}
}

func TestReference_ItsFirstExampleLoads(t *testing.T) {
	head, _, _ := splitDoc(t)
	_, rest, _ := strings.Cut(head, "This is a complete configuration:\n\n```\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the example is gone")
	}
	r := mustLoad(t, "toon", text)
	if len(r.Config.Keys) != 2 || len(r.Warnings) > 0 {
		t.Errorf("%d keys; warnings:\n%s", len(r.Config.Keys), lines(r.Warnings))
	}
}

func TestReference_NamesEveryField(t *testing.T) {
	text := schema.Reference()
	for _, field := range []string{"`anthropic_base_url`", "`cache_write_price`", "`no_progress`", "`small_fast`", "`decompression`", "### `providers.NAME.params`", "### `keys[]`", "secret` | string, required"} {
		if !strings.Contains(text, field) {
			t.Errorf("%s is not described", field)
		}
	}
}
