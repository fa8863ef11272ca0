package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"time"
)

// Key is a key as /aimux/keys shows it.
type Key struct {
	Provider string
	Name     string
	Account  string
	InFlight int
	Used     int
	Rests    []Rest
}

// Rest is one rest of a key.
type Rest struct {
	Model   string
	Account bool
	Until   time.Time
	Probe   time.Time
}

// Resting reports whether the key rests, for any model.
func (k Key) Resting() bool { return len(k.Rests) > 0 }

// Keys returns all keys, in the order of the admin API.
func (g *Gateway) Keys(t T) []Key {
	t.Helper()
	var rows []struct {
		Provider string
		Keys     []Key
	}
	g.get(t, "/aimux/keys", &rows)
	var out []Key
	for _, row := range rows {
		for _, k := range row.Keys {
			k.Provider = row.Provider
			out = append(out, k)
		}
	}
	return out
}

// Key returns one key.
func (g *Gateway) Key(t T, provider, name string) Key {
	t.Helper()
	for _, k := range g.Keys(t) {
		if k.Provider == provider && k.Name == name {
			return k
		}
	}
	t.Fatalf("the admin API shows no key %s/%s", provider, name)
	return Key{}
}

// Status is what the specs need of /aimux/status.
type Status struct {
	Source    string
	Simulated bool
	Providers []struct {
		Name, Kind    string
		Keys, Resting int
	}
	Recent []Exchange
}

// Exchange is an exchange with its decisions.
type Exchange struct {
	ID, Model, Provider, Target, Code string
	Status                            int
	Attempts                          []Attempt
}

// Attempt is one try of an exchange. Times are in milliseconds since its
// beginning.
type Attempt struct {
	Provider, Model, Key, Class, Code string
	Status                            int
	Start                             float64 `json:"start_ms"`
	Duration                          float64 `json:"duration_ms"`
	Wait                              float64 `json:"wait_ms"`
}

// Status returns what the gateway says of itself.
func (g *Gateway) Status(t T) Status {
	t.Helper()
	var s Status
	g.get(t, "/aimux/status", &s)
	return s
}

// Exchange returns the finished exchange of a request id. It waits for it: the
// gateway takes its notes after the last byte has gone out.
func (g *Gateway) Exchange(t T, id string) Exchange {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, x := range g.Status(t).Recent {
			if x.ID == id {
				return x
			}
		}
	}
	t.Fatalf("the admin API shows no exchange %s", id)
	return Exchange{}
}

func (g *Gateway) get(t T, path string, into any) {
	t.Helper()
	r, err := g.client.Get(g.Admin + path)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d", path, r.StatusCode)
	}
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

// Wake resets a resting key and returns the answer's status and body.
func (g *Gateway) Wake(t T, provider, key string) (int, string) {
	t.Helper()
	r, err := g.client.Post(g.Admin+"/aimux/keys/"+provider+"/"+key+"/reset", "", nil)
	if err != nil {
		t.Fatalf("waking a key: %v", err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

// Reload writes c over the configuration and runs aimux reload. The error has
// what the command wrote.
func (g *Gateway) Reload(c Config) error {
	if err := g.write(c); err != nil {
		return err
	}
	out, err := g.Command(c, "reload", "--config", "Caddyfile", "--address", g.Admin[len("http://"):])
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// workTime bounds a command. Those for backups turn a passphrase into a key,
// which is meant to be work.
const workTime = 3 * time.Minute

// Command runs aimux with args where the gateway lives and returns what it
// wrote, standard error included.
func (g *Gateway) Command(c Config, args ...string) (string, error) {
	bin, err := Binary()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), workTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir, cmd.Env = g.Dir, g.environment(c)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Rewrite changes the configuration's files and tells nobody.
func (g *Gateway) Rewrite(c Config) error { return g.write(c) }
