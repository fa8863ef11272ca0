package schema

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// services checks what the vault, telemetry, backups and alerts refer to.
func (c *checker) services() {
	c.vaultKey()
	telemetry := object(c.tree["telemetry"])
	c.receiver(telemetry, "traces", "/telemetry/traces")
	headers := object(telemetry["trace_headers"])
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		at := "/telemetry/trace_headers/" + escapePointer(name)
		if !isToken(name) {
			c.problem(at, quote(name)+" is not the name of a header", "letters, digits and -")
		}
		c.reference(headers[name], at, true)
	}
	c.backups()
	alerts := object(c.tree["alerts"])
	c.receiver(alerts, "webhook", "/alerts/webhook")
	c.reference(alerts["webhook_secret"], "/alerts/webhook_secret", true)
	seen := map[string]string{}
	for at, row := range rowsOf(alerts["rules"], "/alerts/rules") {
		name := text(row, "name")
		if first, twice := seen[name]; twice && name != "" {
			c.twice(at+"/name", first, "the alert rule "+quote(name)+" stands twice", "give each rule its own name")
		}
		seen[name] = at
		c.refersTo(at+"/provider", text(row, "provider"))
	}
}

// backups checks that what is to be made by itself can be encrypted.
func (c *checker) backups() {
	b := object(c.tree["backups"])
	every := text(b, "every")
	c.reference(b["passphrase"], "/backups/passphrase", every != "" && every != "0s")
	if every != "" && every != "0s" && text(b, "passphrase") == "" {
		c.problem("/backups/every", "backups need a passphrase to be encrypted with", "add backups.passphrase, such as env:BACKUP_PASSPHRASE")
	}
}

// vaultKeySources are what vault.key may begin with.
var vaultKeySources = []string{"credential:", "file:", "passphrase:", "command:", "env:"}

func (c *checker) vaultKey() {
	key := text(object(c.tree["vault"]), "key")
	if key == "" || key == "auto" || slices.ContainsFunc(vaultKeySources, func(p string) bool { return strings.HasPrefix(key, p) && len(key) > len(p) }) {
		return
	}
	c.problem("/vault/key", "the value does not say where the vault's key comes from", "one of auto, credential:NAME, file:PATH, passphrase:PATH, command:PROGRAM, env:NAME; never the key itself")
}

// receiver checks a URL aimux sends something to.
func (c *checker) receiver(in map[string]any, name, at string) {
	raw := text(in, name)
	if raw == "" {
		return
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.problem(at, "not an http or https URL", `for example "https://collector.example.com"`)
	case u.User != nil:
		c.problem(at, "the URL contains a user name or password", "remove it")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		c.problem(at, "the URL is plain http to another machine", "use https://")
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
