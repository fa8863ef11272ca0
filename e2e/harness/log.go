package harness

import (
	"encoding/json"
	"os"
	"strings"
)

// logFile is where a process writes; it can be read meanwhile.
type logFile struct {
	path string
	file *os.File
}

func openLog(path string) (*logFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	return &logFile{path: path, file: f}, err
}

func (l *logFile) read() string {
	b, _ := os.ReadFile(l.path)
	return string(b)
}

// LogLine is an entry of the gateway's log.
type LogLine struct {
	Level, Logger, Msg string
	// Raw is the whole line.
	Raw string
}

// LogLines returns the entries with that message. The message of an exchange's
// line is "exchange".
func (g *Gateway) LogLines(msg string) []LogLine {
	var out []LogLine
	for line := range strings.Lines(g.Log()) {
		entry := LogLine{Raw: strings.TrimSpace(line)}
		if json.Unmarshal([]byte(line), &entry) == nil && strings.Contains(entry.Msg, msg) {
			out = append(out, entry)
		}
	}
	return out
}
