package launch

import (
	"errors"
	"fmt"
	"strings"
)

// providerTable is aimux's table in Codex's config.toml.
const providerTable = "model_providers.aimux"

// codexConfig returns Codex's config.toml with aimux as its provider. Everything
// else stays as it is, comments included.
func codexConfig(text string, s Settings) (string, error) {
	if strings.HasPrefix(text, "\uFEFF") {
		return "", errors.New("it begins with a byte order mark, which Codex does not take")
	}
	all, err := statements(text)
	if err != nil {
		return "", err
	}
	if err := inlineProviders(all); err != nil {
		return "", err
	}
	text = replaceTable(text, all, codexTable(s))
	if s.Model != "" {
		text, err = setRoot(text, "model", tomlString(s.Model))
	}
	if err == nil {
		text, err = setRoot(text, "model_provider", `"aimux"`)
	}
	return text, err
}

// inlineProviders refuses the ways to write a provider that cannot be edited by
// the line.
func inlineProviders(all []statement) error {
	table := ""
	for _, s := range all {
		key := plainKey(s.key)
		own := !s.header && (table == providerTable || strings.HasPrefix(table, providerTable+"."))
		if own {
			continue
		}
		if s.header {
			table = key
			continue
		}
		full := key
		if table != "" {
			full = table + "." + key
		}
		if full == "model_providers" || full == providerTable || strings.HasPrefix(full, providerTable+".") {
			return fmt.Errorf("line %d: %s is written in a way that is not edited here; write a table [%s]", s.line, full, providerTable)
		}
	}
	return nil
}

func codexTable(s Settings) string {
	table := "[" + providerTable + "]\nname = \"aimux\"\nbase_url = " + tomlString(s.base()+"/v1") + "\nwire_api = \"responses\"\n"
	if s.Token != "" {
		table += "experimental_bearer_token = " + tomlString(s.Token) + "\n"
	}
	return table + "stream_idle_timeout_ms = " + codexIdle + "\n"
}

// replaceTable puts a table in the place of the one of that name, or at the end.
func replaceTable(text string, all []statement, table string) string {
	for i, s := range all {
		if !s.header || plainKey(s.key) != providerTable {
			continue
		}
		end := s.end
		for _, next := range all[i+1:] {
			if next.header && !strings.HasPrefix(plainKey(next.key), providerTable+".") {
				break
			}
			end = next.end
		}
		return text[:s.start] + table + text[end:]
	}
	if text != "" {
		text = strings.TrimRight(text, "\n") + "\n\n"
	}
	return text + table
}

// setRoot sets a key that stands before all tables.
func setRoot(text, key, value string) (string, error) {
	all, err := statements(text)
	if err != nil {
		return "", err
	}
	line, at := key+" = "+value+"\n", 0
	for _, s := range all {
		if s.header {
			break
		}
		if plainKey(s.key) == key {
			return text[:s.start] + line + text[s.end:], nil
		}
		at = s.end
	}
	if at == 0 {
		at = afterHead(text)
	}
	before := text[:at]
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += "\n"
	}
	rest := text[at:]
	if strings.HasPrefix(rest, "[") {
		rest = "\n" + rest
	}
	return before + line + rest, nil
}

// afterHead returns where the comments end that open a document, up to the first
// empty line.
func afterHead(text string) int {
	at := 0
	for at < len(text) && text[at] == '#' {
		at = lineEnd(text, at)
	}
	if at < len(text) && strings.TrimSpace(text[at:lineEnd(text, at)]) != "" {
		return 0 // they belong to what follows
	}
	return at
}
