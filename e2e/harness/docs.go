package harness

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Doc is a page of the documentation.
type Doc struct {
	// Name is the file, relative to the repository's root.
	Name   string
	Blocks []Block
	// Links are the targets of its links that stay in the repository, as written.
	Links []string
	// Anchors are what its headings can be reached by, behind a #.
	Anchors []string
}

// Block is a fenced block of a page.
type Block struct {
	Language string // as the fence says; empty for none
	Line     int    // of its first line, counted from 1
	Text     string
}

// Docs reads README.md and the pages of docs.
func Docs() ([]Doc, error) {
	files, err := filepath.Glob(filepath.Join(Root(), "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	var docs []Doc
	for _, file := range append([]string{filepath.Join(Root(), "README.md")}, files...) {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the documentation: %w", err)
		}
		name, err := filepath.Rel(Root(), file)
		if err != nil {
			return nil, err
		}
		docs = append(docs, readDoc(filepath.ToSlash(name), string(data)))
	}
	return docs, nil
}

func readDoc(name, text string) Doc {
	d := Doc{Name: name}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	var block *Block
	for i, line := range strings.Split(text, "\n") {
		fence, fenced := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fenced && block == nil:
			block = &Block{Language: fence, Line: i + 2}
		case fenced:
			d.Blocks = append(d.Blocks, *block)
			block = nil
		case block != nil:
			block.Text += line + "\n"
		case strings.HasPrefix(line, "#"):
			d.Anchors = append(d.Anchors, anchor(strings.TrimLeft(line, "# ")))
		default:
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if !strings.Contains(m[1], ":") {
					d.Links = append(d.Links, m[1])
				}
			}
		}
	}
	return d
}

// anchor makes of a heading what GitHub does: small letters, hyphens for blanks,
// no other punctuation.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// ShellCommand is a command of a page, as a reader would type it.
type ShellCommand struct {
	Line int
	Text string // its lines joined, without a comment at the end
	// Program is what it starts: aimux, curl and so on, without directories.
	Program string
	// Before are the assignments in front of it in the page, line by line.
	Before []string
}

var shellLanguages = []string{"", "sh", "bash", "shell"}

// Commands returns the commands of a page's shell blocks that start one of
// programs.
func (d Doc) Commands(programs ...string) []ShellCommand {
	var (
		found  []ShellCommand
		before []string
	)
	assignment := regexp.MustCompile(`^(export )?[A-Z_]+=("[^"]*"|'[^']*'|[^\s"']*)$`)
	for _, b := range d.Blocks {
		if !slices.Contains(shellLanguages, b.Language) || strings.HasPrefix(b.Text, "{") || strings.HasPrefix(b.Text, "version:") {
			continue // a Caddyfile or a configuration
		}
		lines := joined(b.Text)
		for _, i := range slices.Sorted(maps.Keys(lines)) {
			line := lines[i]
			if assignment.MatchString(line) {
				before = append(before, line)
				continue
			}
			if program := programOf(line); slices.Contains(programs, program) {
				found = append(found, ShellCommand{Line: b.Line + i, Text: line, Program: program, Before: slices.Clone(before)})
			}
		}
	}
	return found
}

// joined returns the lines of a block by their numbers, those that end with a
// backslash joined with the next, without comments.
func joined(text string) map[int]string {
	comment := regexp.MustCompile(`(^|\s+)#\s.*$`)
	lines := map[int]string{}
	first := -1
	for i, line := range strings.Split(text, "\n") {
		if first < 0 {
			first = i
		}
		part, more := strings.CutSuffix(strings.TrimRight(line, " "), `\`)
		lines[first] += strings.TrimSpace(comment.ReplaceAllString(part, "")) + " "
		if !more {
			lines[first] = strings.TrimSpace(lines[first])
			first = -1
		}
	}
	return lines
}

// programOf names what a command line starts, behind assignments and sudo.
func programOf(line string) string {
	for _, word := range strings.Fields(strings.TrimPrefix(line, "$ ")) {
		if name, _, ok := strings.Cut(word, "="); word == "sudo" || ok && name == strings.ToUpper(name) {
			continue
		}
		if strings.Contains(word, ":") { // aimux.toon:7:5: is what a command writes
			return ""
		}
		return filepath.Base(word)
	}
	return ""
}
