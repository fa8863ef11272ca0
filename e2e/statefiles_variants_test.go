package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/e2e/harness"
)

// wrong is a way in which a file can be other than aimux left it.
type wrong struct {
	name string
	make func(path string) error
}

// replaced writes what f makes of a file's contents.
func replaced(f func([]byte) []byte) func(string) error {
	return func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, f(data), 0o600)
	}
}

var wrongs = []wrong{
	{"cut", replaced(func(b []byte) []byte { return b[:len(b)/2] })},
	{"empty", replaced(func([]byte) []byte { return nil })},
	{"corrupt", replaced(func(b []byte) []byte {
		// In the middle of the text, and throughout a database's pages.
		for i := len(b) / 3; i < len(b); i += max(1, len(b)/50) {
			b[i] ^= 0x15
		}
		return b
	})},
	{"of a future version", replaced(func(b []byte) []byte {
		b = bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 99`), 1)
		b = bytes.Replace(b, []byte(`"version":1`), []byte(`"version":99`), 1)
		return bytes.Replace(b, []byte("version: 1"), []byte("version: 99"), 1)
	})},
	{"another user's", func(path string) error { return os.Chown(path, 4711, -1) }},
	{"writable by everybody", func(path string) error { return os.Chmod(path, 0o666) }},
	{"a link that leads nowhere", func(path string) error {
		return errors.Join(os.Rename(path, path+".was"), os.Symlink("/nowhere/at/all", path))
	}},
	{"a link to the file elsewhere", func(path string) error {
		elsewhere := filepath.Join(filepath.Dir(path), "..", "elsewhere-"+filepath.Base(path))
		return errors.Join(os.Rename(path, elsewhere), os.Symlink(elsewhere, path))
	}},
	{"a directory", func(path string) error { return errors.Join(os.Rename(path, path+".was"), os.Mkdir(path, 0o700)) }},
}

// outcome is what a gateway does about a file in a state, and what it says.
type outcome struct {
	does string // refuses, aside, tells or follows
	says string // a part of the message
}

const (
	refuses = "refuses to start"
	aside   = "moves the file aside and serves"
	tells   = "serves and its health says so"
	follows = "takes the file as it is"
)

// expected says what becomes of each file in each state. Secrets and those who
// may do what are worth a start that fails; what was learned, spent and done is
// not.
var expected = map[string]map[string]outcome{
	"overrides.toon": {
		"cut": {refuses, "overrides.toon"}, "empty": {refuses, "never writes it"}, "corrupt": {refuses, "not valid TOON"}, "of a future version": {refuses, "use an aimux that reads version 99"},
		"another user's": {refuses, "belongs to user 4711"}, "a link that leads nowhere": {refuses, "leads nowhere"}, "a link to the file elsewhere": {follows, ""}, "a directory": {refuses, "it is a directory"},
		"writable by everybody": {refuses, "others may change it (mode 0666)"},
	},
	"clients.json": {
		"cut": {refuses, "not whole"}, "empty": {refuses, "not whole"}, "corrupt": {refuses, "restore it"}, "of a future version": {refuses, "version 99"},
		"another user's": {refuses, "belongs to user 4711"}, "a link that leads nowhere": {refuses, "leads nowhere"}, "a link to the file elsewhere": {follows, ""}, "a directory": {refuses, "not a regular file"},
		"writable by everybody": {refuses, "readable by others"},
	},
	"users.json": {
		"cut": {refuses, "not whole"}, "empty": {refuses, "not whole"}, "corrupt": {refuses, "users.json"}, "of a future version": {refuses, "version 99"},
		"another user's": {refuses, "belongs to user 4711"}, "a link that leads nowhere": {refuses, "leads nowhere"}, "a link to the file elsewhere": {follows, ""}, "a directory": {refuses, "not a regular file"},
		"writable by everybody": {refuses, "may be read by others"},
	},
	"vault.json": { // sealed: whose it is does not matter
		"cut": {refuses, "ends too early"}, "empty": {refuses, "the file is empty"}, "corrupt": {refuses, "restore the file"}, "of a future version": {refuses, "it is 99"},
		"another user's": {follows, ""}, "a link that leads nowhere": {refuses, "symbolic link"}, "a link to the file elsewhere": {refuses, "symbolic link"}, "a directory": {refuses, "not a regular file"},
	},
	"state.json": {
		"cut": {aside, "moved aside"}, "empty": {aside, "moved aside"}, "corrupt": {aside, "moved aside"}, "of a future version": {aside, "another version"},
		"another user's": {aside, "belongs to user 4711"}, "a link that leads nowhere": {aside, "not a regular file"}, "a link to the file elsewhere": {aside, "not a regular file"}, "a directory": {aside, "not a regular file"},
	},
	"usage.db": {
		"cut": {aside, "damaged"}, "empty": {aside, "it is empty"}, "corrupt": {aside, "damaged"},
		"another user's": {follows, ""}, "a link that leads nowhere": {tells, "usage.db"}, "a link to the file elsewhere": {follows, ""}, "a directory": {tells, "usage.db"},
	},
	"audit segment": {
		"corrupt":        {tells, "the audit log is damaged"},
		"another user's": {follows, ""}, "a link that leads nowhere": {tells, "not a regular file"}, "a link to the file elsewhere": {tells, "not a regular file"}, "a directory": {tells, "not a regular file"},
	},
}

// furnished returns a node with every file that aimux keeps, whose process has
// ended.
func furnished() *node {
	GinkgoHelper()
	n := newNode(simulated)
	console := strings.TrimPrefix(harness.FreeAddr(GinkgoT()), "127.0.0.1:")
	text := nodeCaddyfile + "http://127.0.0.1:" + console + " {\n\tbind 127.0.0.1\n\taimux_dashboard\n}\n"
	Expect(os.WriteFile(filepath.Join(n.dir, "Caddyfile"), []byte(text), 0o600)).To(Succeed())
	Expect(n.launch()).To(Succeed())
	n.api("POST", "/keys", `{"provider":"one","name":"kept","secret":"a-secret"}`)
	n.api("POST", "/users", `{"user":"ann","role":"admin","password":"a long enough passphrase"}`)
	n.api("PUT", "/config", `{"set":[{"pointer":"/limits/body","value":"7MiB"}]}`)
	for range 3 {
		n.ask("m", "x")
	}
	n.api("POST", "/clients", `{"name":"guest"}`)
	n.stop()
	return n
}

// where is the file that a name of the table stands for.
func (n *node) where(name string) string {
	GinkgoHelper()
	if name != "audit segment" {
		return n.file(name)
	}
	all, err := filepath.Glob(n.file("audit/audit-*.jsonl"))
	Expect(err).NotTo(HaveOccurred())
	Expect(all).NotTo(BeEmpty())
	return all[len(all)-1]
}

// copied is another node with the same contents.
func (n *node) copied() *node {
	GinkgoHelper()
	c := *n
	c.dir = GinkgoT().TempDir()
	c.data, c.cmd = filepath.Join(c.dir, "data"), nil
	Expect(os.CopyFS(c.dir, os.DirFS(n.dir))).To(Succeed())
	Expect(filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		mode := fs.FileMode(0o600) // which the copying does not keep
		if err == nil && d.IsDir() {
			mode = 0o700
		}
		return errors.Join(err, os.Chmod(path, mode))
	})).To(Succeed())
	DeferCleanup(func() { c.kill() })
	return &c
}

// said is everything that the process says of its state: its log, and the
// console's view of its health.
func (n *node) said() string {
	_, meta, _ := n.call("GET", n.admin+"/aimux/api/meta", "")
	return n.log() + meta
}

var _ = Describe("State files that are not as aimux left them", Ordered, func() {
	var whole *node
	BeforeAll(func() {
		if os.Geteuid() != 0 {
			Skip("giving files to other users takes root")
		}
		whole = furnished()
	})
	for file, states := range expected {
		for _, w := range wrongs {
			want, ok := states[w.name]
			if !ok {
				continue // it makes no difference to such a file
			}
			It("85 "+file+", "+w.name+": it "+want.does, func() { whole.copied().suffers(file, w, want) })
		}
	}
})

// suffers makes a file wrong and starts the gateway.
func (n *node) suffers(file string, w wrong, want outcome) {
	GinkgoHelper()
	path := n.where(file)
	Expect(w.make(path)).To(Succeed())
	before, _ := os.ReadFile(path)
	err := n.launch()
	if want.does == refuses {
		Expect(err).To(MatchError(And(ContainSubstring("aimux ended"), ContainSubstring(want.says))))
		after, _ := os.ReadFile(path)
		Expect(after).To(Equal(before), "the file was touched")
		return
	}
	Expect(err).NotTo(HaveOccurred())
	status, _ := n.ask("m", "x")
	Expect(status).To(Equal(http.StatusUnauthorized), "there are client keys, and this is none")
	switch want.does {
	case tells:
		Eventually(n.said).Should(And(ContainSubstring(`"ok":false`), ContainSubstring(want.says)))
	case aside:
		Eventually(n.said).Should(ContainSubstring(want.says))
		Eventually(func() []string {
			all, _ := filepath.Glob(path + ".*-*")
			more, _ := filepath.Glob(path + ".unreadable")
			return append(all, more...)
		}).ShouldNot(BeEmpty())
	case follows:
		n.api("GET", "/usage", "")
		Expect(n.said()).NotTo(ContainSubstring(`"ok":false`))
	}
}
