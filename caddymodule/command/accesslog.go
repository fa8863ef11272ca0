package command

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// credentialHeaders are request headers that carry keys of clients and that
// Caddy's access log writes in clear. Authorization and Cookie it hides itself.
var credentialHeaders = [...]string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// accessLogFilter is what hides them, for a Caddyfile.
const accessLogFilter = "give the log a filter, in the global options for the default log: log { format filter { request>headers>X-Api-Key delete; request>headers>Api-Key delete; " +
	"request>headers>X-Goog-Api-Key delete } }, with a line for each"

// caddyLogs is the part of Caddy's configuration that says what is logged, and
// where.
type caddyLogs struct {
	Logging struct {
		Logs map[string]caddyLog
	}
	Apps struct {
		HTTP struct {
			Servers map[string]struct {
				Listen []string
				Routes json.RawMessage
				Logs   *accessLogs
			}
		}
	}
}

// caddyLog is one log.
type caddyLog struct {
	Writer           struct{ Output string }
	Encoder          *logEncoder
	Include, Exclude []string
}

// logEncoder is how a log is written; filters and the like wrap another.
type logEncoder struct {
	Format string
	Wrap   *logEncoder
	Fields map[string]json.RawMessage
}

// accessLogs is the logs member of a server.
type accessLogs struct {
	Default     string                     `json:"default_logger_name"`
	Named       map[string]json.RawMessage `json:"logger_names"`
	NamedOnly   bool                       `json:"skip_unmapped_hosts"`
	Credentials bool                       `json:"should_log_credentials"`
}

// leakingLogs says which servers with aimux behind them write keys of clients
// into an access log, in a sentence each. config is Caddy's JSON.
func leakingLogs(config json.RawMessage) []string {
	var c caddyLogs
	if json.Unmarshal(config, &c) != nil {
		return nil
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Apps.HTTP.Servers)) {
		server := c.Apps.HTTP.Servers[name]
		if server.Logs == nil || !strings.Contains(string(server.Routes), `"aimux"`) {
			continue
		}
		where := strings.Join(server.Listen, ", ")
		if server.Logs.Credentials {
			out = append(out, fmt.Sprintf("the access log of %s has log_credentials on: it writes every key and cookie in clear", where))
		}
		for logger, whose := range server.Logs.loggers() {
			for _, log := range c.receivers(logger) {
				if shown := c.log(log).shows(); len(shown) > 0 {
					out = append(out, fmt.Sprintf("the access log of %s (log %q) writes %s%s in clear", where, log, strings.Join(shown, ", "), whose))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// loggers are the names that access logs of a server are written under, each
// with whose requests, if not all. A server that has logs for some host names
// logs requests by any other name too, unless it is told not to.
func (a *accessLogs) loggers() map[string]string {
	out := map[string]string{}
	add := func(name, whose string) { out[strings.TrimSuffix("http.log.access."+name, ".")] = whose }
	switch {
	case len(a.Named) == 0:
		add(a.Default, "")
	case !a.NamedOnly:
		add(a.Default, " of requests by any other host name")
	}
	for _, raw := range a.Named {
		var many []string
		var single string
		if json.Unmarshal(raw, &many) == nil {
			for _, name := range many {
				add(name, "")
			}
		} else if json.Unmarshal(raw, &single) == nil {
			add(single, "")
		}
	}
	return out
}

// log is a log by its name. The default log is there also if nothing is said of
// it.
func (c *caddyLogs) log(name string) caddyLog { return c.Logging.Logs[name] }

// receivers are the logs that what a logger says is written to.
func (c *caddyLogs) receivers(logger string) []string {
	names := slices.Collect(maps.Keys(c.Logging.Logs))
	if _, ok := c.Logging.Logs["default"]; !ok {
		names = append(names, "default")
	}
	return slices.DeleteFunc(names, func(name string) bool { return !c.log(name).takes(logger) })
}

// takes reports whether a log takes what logger says: the longest matching name
// of include and exclude decides.
func (l caddyLog) takes(logger string) bool {
	if l.Writer.Output == "discard" {
		return false
	}
	longest := func(names []string) int {
		best := -1
		for _, n := range names {
			if logger == n || strings.HasPrefix(logger, n+".") || n == "" {
				best = max(best, len(n))
			}
		}
		return best
	}
	in, out := longest(l.Include), longest(l.Exclude)
	if len(l.Include) > 0 {
		return in > out
	}
	return out < 0
}

// shows lists the headers with keys that a log does not hide.
func (l caddyLog) shows() []string {
	hidden := map[string]bool{}
	for e := l.Encoder; e != nil; e = e.Wrap {
		if e.Format == "filter" {
			for field := range e.Fields {
				hidden[strings.ToLower(field)] = true
			}
		}
	}
	if hidden["request"] || hidden["request>headers"] {
		return nil
	}
	var out []string
	for _, h := range credentialHeaders {
		if !hidden[strings.ToLower("request>headers>"+h)] {
			out = append(out, strings.ToLower(h))
		}
	}
	return out
}
