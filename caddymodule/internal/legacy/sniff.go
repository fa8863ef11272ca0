package legacy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
)

// parse reads a file in whichever of the old formats it is written.
func parse(name string, data []byte) (root *node, format string, defects []defect, err error) {
	data, defects = decodeText(data)
	var more []defect
	trimmed := bytes.TrimLeft(data, " \t\r\n\x00")
	switch {
	case len(trimmed) == 0:
		return nil, "", defects, errors.New("the file is empty")
	case isEnvName(strings.ToLower(name)):
		format = "environment file"
		root, more, err = readEnv(data)
	case trimmed[0] == '{' || bytes.HasPrefix(trimmed, []byte("//")) || bytes.HasPrefix(trimmed, []byte("/*")) || strings.Contains(strings.ToLower(name), ".json"):
		format = "JSON"
		root, more, err = readJSON(data)
	case isINI(data):
		format = "INI-like TOON"
		root, more, err = readINI(data)
	default:
		format = "TOON"
		root, more, err = readTOON(data)
	}
	if root != nil && root.kind != object && err == nil {
		err = errors.New("not an object")
	}
	return root, format, append(defects, more...), err
}

// decodeText takes a byte order mark off and makes UTF-8 of UTF-16, which some
// editors of Windows write.
func decodeText(data []byte) ([]byte, []defect) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")):
		return data[3:], []defect{{1, "a byte order mark, which is passed over"}}
	case bytes.HasPrefix(data, []byte("\xFF\xFE")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xFE\xFF")):
		order = binary.BigEndian
	default:
		return data, nil
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return []byte(string(utf16.Decode(units))), []defect{{1, "the file is UTF-16, which is read as such"}}
}

// isINI reports whether the first line with anything in it is a [section] or
// key = value.
func isINI(data []byte) bool {
	for _, line := range lines(data) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		before, _, assigned := strings.Cut(line, "=")
		return line[0] == '[' && line[len(line)-1] == ']' || assigned && !strings.ContainsAny(before, ":{[,")
	}
	return false
}

// The names of the dialects, for people.
const (
	dialectV1       = "v1 (TypeScript)"
	dialectOldest   = "synclaude, or v1 with a single provider"
	dialectDocker   = "v1 Docker sample"
	dialectPlan     = "v2 plan"
	dialectA        = "C++ production (A)"
	dialectB        = "C++ shipped (B)"
	dialectC        = "C++ default (C)"
	dialectD        = "C++ gateway (D)"
	dialectE        = "C++ daemon (E)"
	dialectF        = "C++ first run (F)"
	dialectClaude   = "settings of Claude Code"
	dialectCache    = "model cache"
	dialectEnv      = "environment file"
	dialectCurrent  = "present version"
	dialectTable    = "planned TOON"
	dialectSections = "INI-like TOON"
)

// dialectOf recognises a document by its shape; "" is none of ours. The version
// numbers in the documents say nothing.
func dialectOf(root *node, format string) string {
	providers := root.get("providers")
	switch {
	case root.has("models") && root.has("timestamp", "count") && !root.has("apiKey"):
		return dialectCache
	case isCurrent(root):
		return dialectCurrent
	case root.get("env").is(object) && !root.has("providers"):
		return dialectClaude
	case root.has("multiProvider"):
		return dialectV1
	case root.has("hybridMode", "lastUsedProvider"):
		return dialectPlan
	case root.has("selectedModel", "selectedThinkingModel", "firstRunCompleted", "apiKey", "routingRules", "anthropicBaseUrl"):
		if providers.is(object) || root.has("routingRules") {
			return dialectV1
		}
		return dialectOldest
	case format == "INI-like TOON":
		return ifProviders(providers, dialectSections)
	case format == "TOON":
		return ifProviders(providers, dialectTable)
	}
	return dialectOfCpp(root, providers)
}

func ifProviders(providers *node, dialect string) string {
	if providers == nil {
		return ""
	}
	return dialect
}

func dialectOfCpp(root, providers *node) string {
	switch {
	case providers.is(array):
		return dialectOfArray(root, providers)
	case !providers.is(object):
		if root.has("claude_gateway", "default_provider", "webui", "prettifier", "load_balancing") {
			return dialectD
		}
		return ""
	case camel(providers):
		return dialectDocker
	case root.has("default_provider", "claude_gateway"):
		return dialectD
	case root.has("load_balancing", "monitoring", "server"):
		return dialectB
	case root.has("router"):
		return dialectC
	case snake(providers):
		return dialectD
	}
	return ""
}

func dialectOfArray(root, providers *node) string {
	some := false
	for _, p := range providers.elems {
		some = some || isProvider(p)
	}
	switch {
	case root.has("mode"):
		return dialectF
	case root.has("daemon") && root.has("logging") && !root.has("webui", "security", "system", "prettifier"):
		return dialectE
	case some || len(providers.elems) == 0 && root.has("webui", "security", "system", "daemon"):
		return dialectA
	}
	return ""
}

// camel and snake tell whose spelling the providers have.
func camel(providers *node) bool { return anyMember(providers, "apiKey", "baseUrl", "rateLimit") }

func snake(providers *node) bool {
	return anyMember(providers, "api_key", "api_keys", "base_url", "endpoint")
}

func anyMember(providers *node, names ...string) bool {
	for _, m := range providers.members {
		if m.value.has(names...) {
			return true
		}
	}
	return false
}

// isCurrent recognises a configuration of the present language, whose version is
// the number 1 and whose keys are rows of references.
func isCurrent(root *node) bool {
	v := root.get("version")
	if !v.is(number) || v.text != "1" || root.has("multiProvider") {
		return false
	}
	providers := root.get("providers")
	return !providers.is(array) && (providers == nil || !anyMember(providers, "apiKey", "api_key", "api_keys", "endpoint"))
}
