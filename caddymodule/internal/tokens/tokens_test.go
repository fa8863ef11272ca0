package tokens

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"pgregory.net/rapid"
)

func TestEstimate_CountsWhatTheModelReads(t *testing.T) {
	text := strings.Repeat("abcdefg", 100) // 200 tokens
	for _, tt := range []struct {
		name string
		d    llm.Dialect
		body string
		want int
	}{
		{"Messages", llm.Anthropic, `{"model":"m","max_tokens":9,"system":"` + text + `","messages":[{"role":"user","content":"` + text + `"}]}`, 404},
		{"Messages in blocks", llm.Anthropic, `{"messages":[{"role":"user","content":[{"type":"text","text":"` + text + `","cache_control":{"type":"ephemeral"}}]}]}`, 204},
		{"Chat", llm.OpenAI, `{"messages":[{"role":"system","content":"` + text + `"},{"role":"user","content":"` + text + `"}],"metadata":{"x":"` + text + `"}}`, 408},
		{"Responses", llm.Responses, `{"instructions":"` + text + `","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"` + text + `"}]}]}`, 404},
		{"Responses with a string", llm.Responses, `{"input":"` + text + `"}`, 200},
		{"embeddings input of Chat is not read", llm.OpenAI, `{"input":"` + text + `"}`, 1},
		{"tool result", llm.Anthropic, `{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_123456789","content":"` + text + `"}]}]}`, 204},
		{"tool call", llm.Anthropic, `{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"abcdefg","input":{"a": 123}}]}]}`, 4 + 5},
		{"signatures and encrypted reasoning", llm.Responses, `{"input":[{"type":"reasoning","id":"rs_1","encrypted_content":"` + text + `","summary":[{"type":"summary_text","text":"` + text + `"}]}]}`, 200},
		{"redacted thinking", llm.Anthropic, `{"messages":[{"role":"assistant","content":[{"type":"redacted_thinking","data":"` + text + `"}]}]}`, 4},
		{"text document", llm.Anthropic, `{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"` + strings.Repeat("abc def", 100) + `"}}]}]}`, 204},
		{"tools as their JSON", llm.OpenAI, `{"tools":[{"type": "function", "name":"abcdefg"}]}`, 11},
		{"escapes count once", llm.OpenAI, `{"messages":[{"content":"` + strings.Repeat(`\n\"\\`, 70) + `"}]}`, 60},
		{"empty", llm.OpenAI, `{}`, 1},
		{"nothing", llm.OpenAI, ``, 1},
		{"no JSON", llm.OpenAI, strings.Repeat("x", 700), 200},
		{"cut JSON", llm.OpenAI, `{"messages":["` + strings.Repeat("x", 700-14), 200},
		{"too deep", llm.OpenAI, `{"messages":` + strings.Repeat("[", 688), 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Estimate([]byte(tt.body), tt.d); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// pictures of the same size in every format that tells it.
func pictures(t testing.TB, w, h int) map[string][]byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, w, h), nil)
	img.Palette = color.Palette{color.Black}
	var p, g, j bytes.Buffer
	for _, err := range []error{png.Encode(&p, img), gif.Encode(&g, img, nil), jpeg.Encode(&j, img, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	// A long metadata segment before the frame header, as cameras write it.
	exif := append([]byte{0xFF, 0xE1, 0xF0, 0x02}, make([]byte, 0xF000)...)
	camera := append(append(bytes.Clone(j.Bytes()[:2]), exif...), j.Bytes()[2:]...)
	return map[string][]byte{
		"image/png": p.Bytes(), "image/gif": g.Bytes(), "image/jpeg": j.Bytes(), "image/jpeg; camera": camera,
		"image/webp; VP8X": webp("VP8X", w, h), "image/webp; VP8L": webp("VP8L", w, h), "image/webp; VP8": webp("VP8 ", w, h),
	}
}

// webp is the head of a WebP file (RFC 9649).
func webp(kind string, w, h int) []byte {
	b := make([]byte, 64)
	copy(b, "RIFF")
	copy(b[8:], "WEBP"+kind)
	switch kind {
	case "VP8X":
		b[24], b[25] = byte(w-1), byte((w-1)>>8)
		b[27], b[28] = byte(h-1), byte((h-1)>>8)
	case "VP8L":
		b[20] = 0x2F
		binary.LittleEndian.PutUint32(b[21:], uint32(w-1)|uint32(h-1)<<14)
	default:
		binary.LittleEndian.PutUint16(b[26:], uint16(w))
		binary.LittleEndian.PutUint16(b[28:], uint16(h))
	}
	return b
}

func TestEstimate_PicturesCountByTheirSize(t *testing.T) {
	for media, file := range pictures(t, 750, 400) {
		data := base64.StdEncoding.EncodeToString(file)
		media, _, _ = strings.Cut(media, ";")
		for d, body := range map[llm.Dialect]string{
			llm.Anthropic: `{"messages":[{"content":[{"type":"image","source":{"type":"base64","media_type":"` + media + `","data":"` + data + `"}}]}]}`,
			llm.OpenAI:    `{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:` + media + `;base64,` + data + `"}}]}]}`,
			llm.Responses: `{"input":[{"content":[{"type":"input_image","image_url":"data:` + media + `;base64,` + data + `"}]}]}`,
		} {
			if got := Estimate([]byte(body), d); got != 400 {
				t.Errorf("%s in %s: %d tokens, want 400", media, d, got)
			}
		}
	}
}

func TestEstimate_UnknownAndLargePicturesCountTheMost(t *testing.T) {
	for name, source := range map[string]string{
		"url":    `{"type":"url","url":"https://x/y.png"}`,
		"cut":    `{"type":"base64","data":"iVBORw0KGgo"}`,
		"large":  `{"type":"base64","data":"` + base64.StdEncoding.EncodeToString(webp("VP8X", 9000, 9000)) + `"}`,
		"lie":    `{"type":"base64","data":"` + base64.StdEncoding.EncodeToString(append(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"), bytes.Repeat([]byte{0xFF}, 8)...), 0, 0, 0)) + `"}`,
		"in tif": `{"type":"base64","url":"data:image/tiff;base64,SUkqAA"}`,
	} {
		body := `{"messages":[{"content":[{"type":"image","source":` + source + `}]}]}`
		if got := Estimate([]byte(body), llm.Anthropic); got != perImage {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// pdf has n page objects, and padding between them.
func pdf(n, padding int) string {
	var sb strings.Builder
	sb.WriteString("%PDF-1.7\n<< /Type /Pages /Count 9 >>")
	for i := range n {
		sb.WriteString(strings.Repeat("x", padding+i%7))
		fmt.Fprintf(&sb, "%d 0 obj << /Type /Page /Parent 1 0 R >>", i)
	}
	sb.WriteString("<< /Type /Catalog >>")
	return base64.StdEncoding.EncodeToString([]byte(sb.String()))
}

func TestEstimate_DocumentsCountByTheirPages(t *testing.T) {
	for name, tt := range map[string]struct {
		data string
		want int
	}{
		"one page":          {pdf(1, 0), 1},
		"40 pages":          {pdf(40, 1000), 40},
		"cut everywhere":    {pdf(500, 37), 500},
		"too many":          {pdf(900, 3), maxPages},
		"pages not visible": {base64.StdEncoding.EncodeToString([]byte("%PDF-1.7" + strings.Repeat("x", 10*bytesPerPage))), 11},
	} {
		body := `{"messages":[{"content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + tt.data + `"}}]}]}`
		if got := Estimate([]byte(body), llm.Anthropic); got != tt.want*perPage {
			t.Errorf("%s: %d pages, want %d", name, got/perPage, tt.want)
		}
	}
}

func TestPDFPages_ChunksDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pages, padding := rapid.IntRange(1, 300).Draw(t, "pages"), rapid.IntRange(0, 300).Draw(t, "padding")
		if got := pdfPages([]byte(pdf(pages, padding))); got != pages {
			t.Fatalf("%d pages with %d bytes between: %d", pages, padding, got)
		}
	})
}

func TestEstimate_WhiteSpaceDoesNotCount(t *testing.T) {
	body := bigBody()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "    "); err != nil {
		t.Fatal(err)
	}
	if a, b := Estimate(body, llm.Anthropic), Estimate(pretty.Bytes(), llm.Anthropic); a != b {
		t.Errorf("%d compact, %d indented", a, b)
	}
}

func FuzzEstimate(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"image","source":{"data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"}}]}],"tools":[{}]}`))
	f.Add([]byte(`{"input":"data:application/pdf;base64,` + pdf(2, 1) + `"}`))
	f.Add([]byte(`{"input":"data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, d := range []llm.Dialect{llm.Anthropic, llm.OpenAI, llm.Responses, ""} {
			n := Estimate(body, d)
			if most := len(body)*(perMessage+perImage+perFile) + 1; n < 1 || n > most*maxPages {
				t.Errorf("%d tokens for %d bytes", n, len(body))
			}
		}
	})
}

// bigBody is a request of about 200 KB.
func bigBody() []byte {
	var sb strings.Builder
	sb.WriteString(`{"model":"m","tools":[{"name":"a","input_schema":{"type":"object","properties":{"x":{"type":"string"}}}}],"messages":[`)
	for i := range 200 {
		if i > 0 {
			sb.WriteByte(',')
		}
		fmt.Fprintf(&sb, `{"role":"user","content":[{"type":"text","text":"%s"},{"type":"tool_use","id":"toolu_%d","name":"a","input":{"x":["y",1,null]}}]}`, strings.Repeat("some words\\n", 80), i)
	}
	sb.WriteString(`]}`)
	return []byte(sb.String())
}

func BenchmarkEstimate(b *testing.B) {
	body := bigBody()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		Estimate(body, llm.Anthropic)
	}
}
