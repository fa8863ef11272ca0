package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

type collector struct {
	members []string
	types   []string
	data    []byte
	stop    error
}

func (c *collector) Member(m Member) error {
	c.members = append(c.members, string(m.Key)+"="+string(c.data[m.Start:m.End]))
	return c.stop
}
func (c *collector) Text(k, v []byte) { c.types = append(c.types, string(k)+"="+string(v)) }

func scan(data string, depth int) (*collector, error) {
	c := &collector{data: []byte(data)}
	return c, Scan(c.data, depth, c)
}

func TestScan_ReportsTopLevelMembersAndTypes(t *testing.T) {
	c, err := scan(` {"model" : "m","type":"top","a":[1,{"type":"image"},[]],"b":{"type":"x\n","type2":"y","c":{"type":3},"ttl":"1h"} ,"n":-1.5e+3,"t":true}`, 8)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`model="m"`, `type="top"`, `a=[1,{"type":"image"},[]]`, `b={"type":"x\n","type2":"y","c":{"type":3},"ttl":"1h"}`, `n=-1.5e+3`, `t=true`}
	if d := cmp.Diff(want, c.members); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"type=image", `type=x\n`, "ttl=1h"}, c.types); d != "" {
		t.Error(d)
	}
}

func TestScan_RefusesWhatIsNotOneObject(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "array": "[1]", "string": `"a"`, "two objects": "{}{}", "trailing": "{} x",
		"cut": `{"a":`, "cut string": `{"a":"b`, "cut array": `{"a":[1,2`, "missing colon": `{"a" 1}`,
		"no key": `{1:2}`, "trailing comma": `{"a":1,}`, "array trailing comma": `{"a":[1,]}`,
		"missing comma": `{"a":1 "b":2}`, "array missing comma": `{"a":[1 2]}`, "leading comma": `{,"a":1}`,
		"wrong closer": `{"a":[1}}`, "leading zero": `{"a":01}`, "plus": `{"a":+1}`, "dot": `{"a":1.}`, "exponent": `{"a":1e}`,
		"literal": `{"a":nul}`, "control": "{\"a\":\"b\x01\"}", "escape": `{"a":"\x"}`, "short u": `{"a":"\u12"}`,
		"nan": `{"a":NaN}`, "single quotes": `{'a':1}`, "comment": `{/**/}`,
	} {
		t.Run(name, func(t *testing.T) {
			var syntax *SyntaxError
			if _, err := scan(text, 8); !errors.As(err, &syntax) {
				t.Errorf("Scan(%q) = %v, want a SyntaxError", text, err)
			}
		})
	}
}

func TestScan_BoundsNesting(t *testing.T) {
	nested := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}" }
	if _, err := scan(nested(64), 64); err != nil {
		t.Error("64 levels of 64:", err)
	}
	var deep *DepthError
	if _, err := scan(nested(65), 64); !errors.As(err, &deep) {
		t.Error("65 levels of 64:", err)
	}
	if _, err := scan(nested(MaxDepth), 1<<20); err != nil {
		t.Error("the most that may be allowed:", err)
	}
	if _, err := scan(`{"a":`+strings.Repeat("[", 5_000_000), 1<<20); !errors.As(err, &deep) {
		t.Error("a bomb:", err)
	}
}

func TestScan_StopsAtTheVisitorsError(t *testing.T) {
	c := &collector{data: []byte(`{"a":1,"b":2}`), stop: io.ErrClosedPipe}
	if err := Scan(c.data, 8, c); err != io.ErrClosedPipe || len(c.members) != 1 {
		t.Errorf("got %v after %v", err, c.members)
	}
}

func TestSplice_GivesTheBytesWithThePartReplaced(t *testing.T) {
	data := []byte(`{"model":"old","x":1}`)
	for _, insert := range []string{"", `"n"`, `"` + strings.Repeat("long", 50) + `"`} {
		r, n := Splice(data, 9, 14, []byte(insert))
		want := `{"model":` + insert + `,"x":1}`
		got, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil || string(got) != want || n != int64(len(want)) {
			t.Errorf("got %q (%d, %v), want %q", got, n, err, want)
		}
	}
}

func TestAppendString_IsReadBackByEncodingJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "q\"b\\", "ctl\x00\x1f\n", "ünï"} {
		var back string
		if err := json.Unmarshal(AppendString(nil, s), &back); err != nil || back != s {
			t.Errorf("%q came back as %q (%v)", s, back, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[{"type":"b"}],"c":"\u00e9\\"}`, `{"a":1e5,"b":[true,false,null]}`, `{"a":"` + strings.Repeat("x", 40) + `"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &collector{data: data}
		err := Scan(data, MaxDepth, c)
		var deep *DepthError
		if errors.As(err, &deep) {
			return
		}
		object := bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
		if valid := json.Valid(data) && object; valid != (err == nil) {
			t.Fatalf("encoding/json says %v, Scan says %v", valid, err)
		}
	})
}

func body(kb int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"messages":[`)
	for i := 0; b.Len() < kb<<10; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"role":"user","content":[{"type":"text","text":"` + strings.Repeat("The quick brown fox.\\n", 20) + `"}]}`)
	}
	b.WriteString(`],"stream":true,"model":"m"}`)
	return b.Bytes()
}

type nothing struct{}

func (nothing) Member(Member) error { return nil }
func (nothing) Text(_, _ []byte)    {}

func BenchmarkScan(b *testing.B) {
	for name, data := range map[string][]byte{"1KB": body(1), "200KB": body(200)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Scan(data, 128, nothing{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/json.Valid", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				json.Valid(data)
			}
		})
	}
}

func TestPlain_StopsAtTheFirstSpecialByteWhereverItStands(t *testing.T) {
	ends := func(c byte) bool { return c == '"' || c == '\\' || c < 0x20 }
	for at := range 35 {
		for c := range 256 {
			for _, after := range []byte{'a', '"', 0x80, 0xff, 0} {
				text := append(bytes.Repeat([]byte("a"), at), byte(c))
				text = append(text, bytes.Repeat([]byte{after}, 20)...)
				if got, want := plain(text, 0), naive(text, ends); got != want {
					t.Fatalf("byte %#x at %d before %#x: %d, want %d", c, at, after, got, want)
				}
			}
		}
	}
}

// naive returns the position of the first byte that ends a run, byte by byte.
func naive(text []byte, ends func(byte) bool) int {
	for i, c := range text {
		if ends(c) {
			return i
		}
	}
	return len(text)
}
