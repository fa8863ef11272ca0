package egress

import (
	"net/netip"
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	for text, want := range map[string]string{ // what the error has to say; empty: it is right
		"https://api.example.com/v1": "", "https://api.example.com:8443/v1?api-version=1": "", "http://127.0.0.1:11434": "", "http://[::1]:8000/v1": "",
		"http://localhost:1234/v1": "", "https://10.0.0.1/v1": "", "https://my_host.internal": "", "https://xn--bcher-kva.example": "", "HTTPS://API.EXAMPLE.COM": "",
		"http://127.0.0.2/": "", "https://api.example.com./v1": "", "https://1.1.1.1": "", "https://3com.example": "", "https://example.0x1z": "",

		"http://api.example.com": "in the clear", "http://10.0.0.1": "in the clear", "http://localhost.example.com": "in the clear", "http://0.0.0.0:80": "in the clear",
		"": "absolute URL", "api.example.com": "absolute URL", "//api.example.com": "absolute URL", "ftp://a": "absolute URL", "file:///etc/passwd": "absolute URL",
		"unix:/run/x.sock": "absolute URL", "https:api.example.com": "absolute URL", "javascript:alert(1)": "absolute URL", "gopher://a": "absolute URL",
		"https://": "no host", "https:///v1": "no host", "https://:443": "no host", "https://?x": "no host",
		"https://user@api.example.com": "user name", "https://user:hunter2@api.example.com": "user name", "https://@api.example.com": "user name",
		"https://api.example.com/#frag": "fragment", "https://api.example.com#": "fragment", "https://good.example#@evil.example": "fragment",
		"https://api.example.com:": "port", "https://api.example.com:0": "port", "https://api.example.com:65536": "port", "https://api.example.com:http": "not a URL",
		"https://api.example.com:443:443": "not a URL", "https://api example.com": "space", "https://api.example.com\r\nX: y": "space", "https://api.example.com\x00": "space",
		"https://good.example\\@evil.example": "backslash", "https://api.example.com/%zz": "not a URL", "https://%31%32%37.0.0.1": "not a URL",
		"https://127.1": "usual form", "https://0x7f000001": "usual form", "https://2130706433": "usual form", "https://0177.0.0.1": "usual form", "https://1.2.3.4.5": "usual form",
		"https://256.1.1.1": "usual form", "https://127.0.0.1.": "usual form", "https://[::1": "not a URL", "https://[127.0.0.1]": "not a URL", "https://[fe80::1%25eth0]": "zone", "http://[::1%25\x89]": "zone", "https://[gg::1]": "not a URL", "https://[]": "not a URL",
		"https://a..b": "not a host name", "https://.a": "not a host name", "https://-a.example": "not a host name", "https://*.example.com": "not a host name",
		"https://münchen.example": "xn--", "https://127。0。0。1": "xn--", "https://ⓛocalhost": "xn--", "https://a,b": "not a host name",
		"https://" + strings.Repeat("a", 64) + ".example": "not a host name", "https://" + strings.Repeat("a.", 130) + "b": "neither",
	} {
		_, err := CheckURL(text, false)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		} else if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error repeats the password: %v", text, err)
		}
	}
	if _, err := CheckURL("http://10.0.0.1:8000/v1", true); err != nil {
		t.Errorf("allow_http: %v", err)
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, text := range []string{
		"https://api.example.com/v1", "http://127.0.0.1:1", "https://a@b", "https://[::1%25lo]:1", "http://[::1%25\x89]", "https://0x7f.1", "http://localhost#", "https://a:b:c",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := CheckURL(text, false)
		if err != nil {
			return
		}
		if u.User != nil || u.Fragment != "" || u.Hostname() == "" || u.Scheme != "https" && !IsLoopbackHost(u.Hostname()) {
			t.Fatalf("%q passed as %+v", text, u)
		}
		if _, err := netip.ParseAddr(u.Hostname()); err != nil && looksNumeric(u.Hostname()) {
			t.Fatalf("%q passed", text)
		}
		again, err := CheckURL(u.String(), false)
		if err != nil || again.Hostname() != u.Hostname() || again.Port() != u.Port() {
			t.Fatalf("%q reads as %v the second time: %v", text, again, err)
		}
	})
}
