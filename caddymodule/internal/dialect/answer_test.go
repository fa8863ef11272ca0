package dialect_test

import (
	"errors"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestReadAnswer_NotesTheFirstOfMembersByTheirNames(t *testing.T) {
	a, err := dialect.ReadAnswer([]byte("\xef\xbb\xbf {\"choices\":[1],\"usage\":{\"a\":1},\"usage\":{\"a\":2},\"st\\u0061tus\":\"ok\",\"error\":null}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Choices != "[1]" || a.Usage != `{"a":1}` || a.Status != `"ok"` || a.Content != "" {
		t.Errorf("%+v", a)
	}
}

func TestReadAnswer_FailuresByAnySign(t *testing.T) {
	for body, failed := range map[string]bool{
		`{"error":{"message":"x"},"choices":[]}`:           true,
		`{"\u0065rror":{"message":"x"}}`:                   true,
		`{"error":"x"}`:                                    true,
		`{"error":""}`:                                     false,
		`{"error":null,"choices":[]}`:                      false,
		`{"type":"error"}`:                                 true,
		`{"base_resp":{"status_code":1008}}`:               true,
		`{"base_resp":{"status_code":0},"choices":[]}`:     false,
		`{"success":false,"code":500}`:                     true,
		`{"success":true,"code":200}`:                      false,
		`{"message":"too many tokens","code":"x"}`:         true,
		`{"message":"fine","code":"x","content":["text"]}`: false,
		`{"message":{},"code":"x"}`:                        false,
	} {
		_, err := dialect.ReadAnswer([]byte(body))
		var e *llm.Error
		if errors.As(err, &e) != failed || err != nil && !failed {
			t.Errorf("%s: %v", body, err)
		}
	}
}
