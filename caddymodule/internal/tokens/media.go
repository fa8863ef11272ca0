package tokens

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// magics are how the base64 of known files begins.
var magics = [...]struct{ prefix, media string }{
	{"iVBORw0KGgo", "image/png"}, {"/9j/", "image/jpeg"}, {"R0lGOD", "image/gif"}, {"UklGR", "image/webp"}, {"JVBERi0", "application/pdf"},
}

// sniff returns the tokens of data if it is base64: a picture or document, or
// something no model reads, which counts nothing. It reports false for text.
func sniff(data []byte) (int, bool) {
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.prefix)) {
			return mediaTokens([]byte(m.media), data), true
		}
	}
	head := data[:min(len(data), 64)]
	if len(head) < 64 {
		return 0, false
	}
	for _, c := range head {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+/-_=", c) >= 0) {
			return 0, false
		}
	}
	return 0, true
}

// mediaTokens returns the tokens of a file in base64.
func mediaTokens(media, data []byte) int {
	switch {
	case bytes.HasPrefix(media, []byte("image/")):
		return imageTokens(data)
	case bytes.HasPrefix(media, []byte("application/pdf")):
		return pdfPages(data) * perPage
	case bytes.HasPrefix(media, []byte("text/")):
		return fromBytes(len(data) * 3 / 4)
	}
	return 0
}

// imageTokens is a token for every 750 pixels, at most perImage, which is also
// what a picture of unknown size counts.
func imageTokens(data []byte) int {
	var buf [48]byte
	w, h := imageSize(decodeHead(buf[:], data))
	if w == 0 && bytes.HasPrefix(data, []byte("/9j/")) {
		w, h = jpegSize(data)
	}
	if w <= 0 || h <= 0 {
		return perImage
	}
	const side = 1 << 20 // more is a lie, and its square would overflow
	return int(min(max(int64(min(w, side))*int64(min(h, side))/750, 1), perImage))
}

// decodeHead decodes as much of data as fits into buf. Data may hold JSON
// escapes of slashes; decoding ends at the first.
func decodeHead(buf, data []byte) []byte {
	data = data[:min(len(data), len(buf)/3*4)]
	if i := bytes.IndexAny(data, "\\="); i >= 0 {
		data = data[:i]
	}
	n, _ := base64.RawStdEncoding.Decode(buf, data[:len(data)/4*4])
	return buf[:n]
}

// imageSize reads width and height from the head of a PNG, GIF or WebP file;
// zeros if it is another or too short.
func imageSize(b []byte) (w, h int) {
	switch {
	case len(b) >= 24 && string(b[12:16]) == "IHDR":
		return int(binary.BigEndian.Uint32(b[16:])), int(binary.BigEndian.Uint32(b[20:]))
	case len(b) >= 10 && string(b[:4]) == "GIF8":
		return int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))
	case len(b) >= 30 && string(b[8:12]) == "WEBP":
		return webpSize(b)
	}
	return 0, 0
}

// webpSize reads the size from the three kinds of WebP (RFC 9649).
func webpSize(b []byte) (w, h int) {
	switch string(b[12:16]) {
	case "VP8 ":
		return int(binary.LittleEndian.Uint16(b[26:]) & 0x3FFF), int(binary.LittleEndian.Uint16(b[28:]) & 0x3FFF)
	case "VP8L":
		bits := binary.LittleEndian.Uint32(b[21:])
		return int(bits&0x3FFF) + 1, int(bits>>14&0x3FFF) + 1
	case "VP8X":
		return int(uint24(b[24:])) + 1, int(uint24(b[27:])) + 1
	}
	return 0, 0
}

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// jpegSize looks for the frame header of a JPEG, which stands after metadata of
// up to 64 KB each; it looks through the first 96 KB.
func jpegSize(data []byte) (w, h int) {
	b := decodeHead(make([]byte, min(len(data), 96<<10)), data)
	for i := 2; i+9 < len(b) && b[i] == 0xFF; {
		marker := b[i+1]
		if marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC {
			return int(binary.BigEndian.Uint16(b[i+7:])), int(binary.BigEndian.Uint16(b[i+5:]))
		}
		i += 2 + int(binary.BigEndian.Uint16(b[i+2:]))
	}
	return 0, 0
}

// Bounds of counting pages.
const (
	maxPages     = 600       // what the largest models take
	bytesPerPage = 64 << 10  // of a PDF whose pages cannot be seen
	maxPDF       = 16 << 20  // of base64, looked through at most
	pdfChunk     = 12 << 10  // base64 decoded at a time
	pdfOverlap   = len(page) // a mark may be cut by a chunk's end
	page         = "/Type  /Pages"
)

// pdfPages counts the page objects of a PDF in base64. Where they are packed
// into compressed streams the size tells, roughly.
func pdfPages(data []byte) int {
	var buf [pdfOverlap + pdfChunk/4*3]byte
	pages, kept := 0, 0
	for rest := data[:min(len(data), maxPDF)]; len(rest) >= 4; {
		n := min(len(rest), pdfChunk) / 4 * 4
		m, err := base64.StdEncoding.Decode(buf[kept:], rest[:n])
		text := buf[:kept+m]
		last := err != nil || len(rest)-n < 4
		seen, used := countPages(text, last)
		pages += seen
		kept = copy(buf[:], text[used:])
		if rest = rest[n:]; last {
			break
		}
	}
	if pages == 0 {
		pages = 1 + len(data)*3/4/bytesPerPage
	}
	return min(pages, maxPages)
}

// countPages counts page objects in text and returns how much of text is dealt
// with: unless it is the last, its end is left for the next piece.
func countPages(text []byte, last bool) (pages, used int) {
	for {
		i := bytes.Index(text[used:], []byte("/Type"))
		if i < 0 {
			if last {
				return pages, len(text)
			}
			return pages, max(used, len(text)-len("/Typ"))
		}
		at := used + i
		if !last && len(text)-at < len(page) {
			return pages, at
		}
		name := bytes.TrimLeft(text[at+len("/Type"):], " \r\n\t")
		if after, ok := bytes.CutPrefix(name, []byte("/Page")); ok && (len(after) == 0 || after[0] != 's') {
			pages++
		}
		used = at + len("/Type")
	}
}
