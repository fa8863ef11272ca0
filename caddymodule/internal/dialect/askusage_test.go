package dialect_test

import (
	"encoding/json"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
)

func TestAskUsage_OnlyWhereTheClientDidNot(t *testing.T) {
	for in, want := range map[string]string{
		`{"model":"m"}`:    "",
		`{"stream":false}`: "",
		`{"stream":true,"stream_options":{"include_usage":true}}`: "",
		` {"stream":true}`: ` {"stream_options":{"include_usage":true},"stream":true}`,
		`{"stream":true,"stream_options":{"include_usage":false}}`:       `{"stream":true,"stream_options":{"include_usage":true}}`,
		`{"stream":true,"stream_options":{"include_obfuscation":false}}`: `{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}`,
		`{"stream":true,"stream_options":{}}`:                            `{"stream":true,"stream_options":{"include_usage":true}}`,
		`{"stream":true,"stream_options":null}`:                          `{"stream":true,"stream_options":{"include_usage":true}}`,
	} {
		got, asked := dialect.AskUsage([]byte(in))
		if want == "" {
			want = in
		}
		if string(got) != want || asked != (want != in) || !json.Valid(got) {
			t.Errorf("%s\n got %s %v\nwant %s", in, got, asked, want)
		}
	}
}
