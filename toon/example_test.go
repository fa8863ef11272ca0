package toon_test

import (
	"fmt"

	"github.com/aimux/aimux/toon"
)

func ExampleUnmarshal() {
	var cfg struct {
		Providers map[string]struct {
			Kind string `toon:"kind"`
			Tier int    `toon:"tier"`
		} `toon:"providers"`
	}
	text := "providers[2:]{kind,tier}:\n  zai: zai,1\n  local: ollama,4\n"
	if err := toon.Unmarshal([]byte(text), &cfg); err != nil {
		fmt.Println(err)
	}
	fmt.Println(cfg.Providers["local"].Kind)
	// Output: ollama
}

func ExampleUnmarshal_error() {
	var cfg struct {
		Tiers []int `toon:"tiers"`
	}
	fmt.Println(toon.Unmarshal([]byte("tiers[2]: 1,high"), &cfg))
	fmt.Println(toon.Unmarshal([]byte("tiers:\n  - 1"), &cfg))
	// Output:
	// 1:13: /tiers/1: string where a number belongs
	// 2:3: missing colon (near "- 1"): a list needs a header with its length, as in key[2]:
}

func ExampleMarshal() {
	type key struct {
		Provider string `json:"provider"`
		Secret   string `json:"secret"`
	}
	text, err := toon.Marshal(map[string][]key{"keys": {{"zai", "vault:zai"}, {"local", ""}}})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(string(text))
	// Output:
	// keys[2]{provider,secret}:
	//   zai,"vault:zai"
	//   local,""
}

func ExampleParse() {
	doc, err := toon.Parse([]byte("# mine\nkeys[1]{provider,name}:\n  zai,main\n  local,none\n"), toon.RepairCounts())
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(doc.Warnings[0])
	fmt.Println(doc.Positions.Of("/keys/1/name"))
	for c := range doc.Comments() {
		fmt.Println(c.Line, c.Text)
	}
	// Output:
	// 2:5: declared 1 row, found 2: write keys[2]
	// {4 9} true
	// 1  mine
}

func ExampleFormat() {
	text, err := toon.Format([]byte("tags[1]: a,b\nproviders:\n    # the first\n    zai:\n        tier: 1\n    local:\n        tier: 4\n"))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(string(text))
	// Output:
	// tags[2]: a,b
	// providers[2:]{tier}:
	//   # the first
	//   zai: 1
	//   local: 4
}
