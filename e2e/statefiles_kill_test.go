package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// crashable returns a binary with crash points: what AIMUX_CRASH_BIN names, else
// one built for the spec.
func crashable() string {
	GinkgoHelper()
	if path := os.Getenv("AIMUX_CRASH_BIN"); path != "" {
		return path
	}
	path := filepath.Join(GinkgoT().TempDir(), "aimux")
	build := exec.Command("go", "build", "-tags", "nobadger,nomysql,nopgx,crashpoints", "-o", path, "./caddymodule/cmd/aimux")
	build.Dir = harness.Root()
	out, err := build.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	return path
}

// promises are what a gateway has acknowledged, and what it was asked when it
// died: that may have come to be or not.
type promises struct {
	body    string // /limits/body
	clients map[string]string
	users   map[string]bool
	keys    map[string]bool
	pending string // the name in the request without an answer
}

// life is one run of the gateway, from its start to its death.
type life struct {
	*node
	*promises
	number int
}

// deed is something that an operator does.
type deed struct {
	name string
	do   func(*life) bool // false: no answer came
}

// deeds touch every file that aimux keeps.
var deeds = []deed{
	{"a setting", func(l *life) bool {
		value := fmt.Sprintf("%dMiB", 1+l.number%30)
		l.pending = value
		return l.change("PUT", "/config", fmt.Sprintf(`{"set":[{"pointer":"/limits/body","value":%q}]}`, value), func(string) { l.body = value })
	}},
	{"a client", func(l *life) bool {
		name := fmt.Sprintf("client-%d", l.number)
		l.pending = name
		return l.change("POST", "/clients", fmt.Sprintf(`{"name":%q}`, name), func(answer string) {
			var made struct{ Token string }
			Expect(json.Unmarshal([]byte(answer), &made)).To(Succeed())
			l.clients[name] = made.Token
		})
	}},
	{"a user", func(l *life) bool {
		name := fmt.Sprintf("user-%d", l.number)
		l.pending = name
		return l.change("POST", "/users", fmt.Sprintf(`{"user":%q,"role":"viewer","password":"a long enough passphrase %d"}`, name, l.number), func(string) { l.users[name] = true })
	}},
	{"a key", func(l *life) bool {
		name := fmt.Sprintf("key-%d", l.number)
		l.pending = name
		return l.change("POST", "/keys", fmt.Sprintf(`{"provider":"one","name":%q,"secret":"secret-of-%s"}`, name, name), func(string) { l.keys[name] = true })
	}},
}

// change makes one change and notes what was acknowledged.
func (l *life) change(method, path, body string, acknowledged func(string)) bool {
	GinkgoHelper()
	status, text, err := l.call(method, l.admin+"/aimux/api"+path, body, "If-Match", "*")
	if err != nil {
		return false
	}
	Expect(status).To(BeNumerically("<", 300), "%s %s: %s", method, path, text)
	acknowledged(text)
	l.pending = ""
	return true
}

// live goes through all deeds and asks the process to end, until it dies.
func (l *life) live() {
	GinkgoHelper()
	// The only key of two rests from then on.
	if _, _, err := l.call("POST", l.url+"/v1/chat/completions", `{"model":"two/m","messages":[{"role":"user","content":"hello"}]}`, "Authorization", "Bearer "+l.token()); err != nil {
		return
	}
	first := rand.IntN(len(deeds))
	for i := range deeds {
		if s := deeds[(first+i)%len(deeds)]; !s.do(l) {
			return
		}
	}
	l.pending = ""
	l.stop()
}

// judge starts the gateway again and holds it to its promises.
func (l *life) judge(where string) {
	GinkgoHelper()
	Expect(l.launch()).To(Succeed(), where)
	for _, bad := range []string{"cannot be read", "moved aside", "cannot be used", "panic"} {
		Expect(l.log()).NotTo(ContainSubstring(bad), where)
	}
	l.wholeFiles(where)
	l.sameOrNext(where, "clients", l.names("/clients?limit=500", "clients", "name"), slices.Collect(maps.Keys(l.clients)))
	l.sameOrNext(where, "users", l.names("/users?limit=500", "users", "user"), slices.Collect(maps.Keys(l.users)))
	l.sameOrNext(where, "keys", leaving(l.names("/keys?limit=500", "keys", "name"), "main", "k"), slices.Collect(maps.Keys(l.keys)))
	if body := l.setting("/limits/body"); body != l.pending && body != l.body {
		Fail(fmt.Sprintf("%s: limits.body is %s, neither %s nor %s", where, body, l.body, l.pending))
	} else {
		l.body = body
	}
	Expect(l.api("POST", "/audit/verify", "{}")).To(ContainSubstring(`"ok":true`), where)
	status, text := l.ask("one/m", l.token())
	Expect(status).To(Equal(http.StatusOK), "%s: %s", where, text)
	if l.number > 1 {
		_, keys, err := l.call("GET", l.admin+"/aimux/keys", "")
		Expect(err).NotTo(HaveOccurred())
		Expect(keys).To(ContainSubstring(`"until"`), "%s: the key of two rests no more", where)
	}
	l.kill()
}

// token is a client's, once there is one.
func (l *life) token() string {
	for _, token := range l.clients {
		return token
	}
	return "none"
}

// sameOrNext wants all that was acknowledged and nothing else, but perhaps what
// was under way. What is there counts as acknowledged from then on.
func (l *life) sameOrNext(where, what string, got, want []string) {
	GinkgoHelper()
	slices.Sort(got)
	slices.Sort(want)
	if l.pending != "" && slices.Equal(leaving(got, l.pending), want) && len(got) > len(want) {
		switch what {
		case "users":
			l.users[l.pending] = true
		case "keys":
			l.keys[l.pending] = true
		case "clients":
			l.clients[l.pending] = "" // its token was never told
			l.api("DELETE", "/clients/"+l.id(l.pending), "{}")
			delete(l.clients, l.pending)
		}
		return
	}
	Expect(got).To(Equal(want), "%s: %s", where, what)
}

func leaving(names []string, drop ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(drop, n) })
}

// rows reads a list of the API, which may stand in an object.
func (l *life) rows(path, list string) []map[string]any {
	GinkgoHelper()
	text := []byte(l.api("GET", path, ""))
	var answer map[string]json.RawMessage
	if text[0] == '{' {
		Expect(json.Unmarshal(text, &answer)).To(Succeed())
		text = answer[list]
	}
	var rows []map[string]any
	Expect(json.Unmarshal(text, &rows)).To(Succeed(), "%s: %s", path, text)
	return rows
}

func (l *life) names(path, list, member string) []string {
	GinkgoHelper()
	out := []string{}
	for _, row := range l.rows(path, list) {
		out = append(out, fmt.Sprint(row[member]))
	}
	return out
}

func (l *life) id(client string) string {
	GinkgoHelper()
	for _, row := range l.rows("/clients?limit=500", "clients") {
		if row["name"] == client {
			return fmt.Sprint(row["id"])
		}
	}
	return ""
}

func (l *life) setting(pointer string) string {
	GinkgoHelper()
	for _, row := range l.rows("/config", "values") {
		if row["pointer"] == pointer {
			return fmt.Sprint(row["value"])
		}
	}
	return ""
}

// wholeFiles wants every JSON file of the data directory to be JSON.
func (l *life) wholeFiles(where string) {
	GinkgoHelper()
	err := filepath.WalkDir(l.file(""), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && !json.Valid(text) {
			err = errors.New(path + " is no JSON")
		}
		return err
	})
	Expect(err).NotTo(HaveOccurred(), where)
}

// points runs one whole life and returns the crash points it went through, each
// as often as it did: "vault: synced#2".
func (l *life) points() []string {
	GinkgoHelper()
	trace := filepath.Join(l.dir, "trace")
	Expect(l.launch("AIMUX_CRASH_TRACE=" + trace)).To(Succeed())
	l.live()
	text, err := os.ReadFile(trace)
	Expect(err).NotTo(HaveOccurred())
	var out []string
	hits := map[string]int{}
	for name := range strings.Lines(string(text)) {
		name = strings.TrimSpace(name)
		hits[name]++
		out = append(out, fmt.Sprintf("%s#%d", name, hits[name]))
	}
	return out
}

var _ = Describe("Killed while it writes its files", func() {
	It("81 it has the old contents or the new ones, keeps what it acknowledged, and serves", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		up.Script(simulator.Selector{Key: "limited"}, forever("429;retry-after=3600"))
		n := newNode(fmt.Sprintf("version: 1\nproviders:\n  one:\n    kind: simulator\n    base_url: %q\n    allow_http: true\n  two:\n    kind: simulator\n    base_url: %q\n    allow_http: true\n"+
			"keys[2]{provider,name,secret}:\n  one,main,\"env:E2E_KEY\"\n  two,k,\"env:E2E_LIMITED\"\nmodels[1]{alias,provider,model}:\n  \"*\",one,m\n", up.URL(), up.URL()))
		n.bin, n.environment = crashable(), []string{"E2E_LIMITED=limited"}
		l := &life{node: n, promises: &promises{clients: map[string]string{}, users: map[string]bool{}, keys: map[string]bool{}}}
		points := l.points()
		Expect(len(points)).To(BeNumerically(">", 30), "%v", points)
		kills, late, want := map[string]int{}, 0, size("AIMUX_E2E_KILLS", 60)
		for killed, i := 0, rand.IntN(len(points)); killed < want && i < 4*want; i++ {
			at := points[i%len(points)]
			l.number++
			Expect(l.launch("AIMUX_CRASH_AT=" + at)).To(Or(Succeed(), MatchError(ContainSubstring("aimux ended"))))
			l.live()
			if l.died() {
				file, _, _ := strings.Cut(at, ":")
				kills[file]++
				killed++
			} else {
				late++
			}
			l.judge(at)
		}
		AddReportEntry(fmt.Sprintf("%d kills at %d points, by file %v; %d lives ended before their point came; %d clients, %d users, %d keys acknowledged and all there",
			total(kills), len(points), kills, late, len(l.clients), len(l.users), len(l.keys)))
	})

	It("80 at any moment under load, nothing is damaged", func() {
		n := newNode(simulated)
		kills := size("AIMUX_E2E_RANDOM_KILLS", 15)
		for range kills {
			Expect(n.launch()).To(Succeed())
			Expect(n.log()).NotTo(Or(ContainSubstring("moved aside"), ContainSubstring("damaged")))
			stop := time.Now().Add(time.Duration(rand.IntN(400)) * time.Millisecond)
			for i := 0; time.Now().Before(stop); i++ {
				n.ask("m", "x")
				if i%10 == 0 {
					n.api("PUT", "/config", fmt.Sprintf(`{"set":[{"pointer":"/limits/body","value":"%dMiB"}]}`, 1+i%9))
				}
			}
			n.kill()
		}
		Expect(n.launch()).To(Succeed())
		Expect(n.api("POST", "/audit/verify", "{}")).To(ContainSubstring(`"ok":true`))
		Eventually(func() string { return n.api("GET", "/meta", "") }).Should(ContainSubstring(`"ledger":{"ok":true}`))
		AddReportEntry(fmt.Sprintf("%d kills", kills))
	})
})

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// died reports whether the process was killed rather than ended.
func (n *node) died() bool {
	<-n.ended
	return !n.cmd.ProcessState.Exited()
}
