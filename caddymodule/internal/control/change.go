package control

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/schema"
)

// edit changes the overrides: as a whole, checked before it is written, in
// force when it returns, or not at all. match is the tag the caller read; empty
// or "*" takes any.
func (p *Plane) edit(ctx context.Context, match, summary string, change func(*schema.Overrides, *schema.Result) error) error {
	release, err := p.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	o, err := schema.ReadOverrides(p.Overrides)
	if err != nil {
		return told(err)
	}
	if match != "" && match != "*" && match != o.Tag() {
		return console.Stale()
	}
	before, err := os.ReadFile(p.Overrides)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := change(o, p.Gateway.View().Result); err != nil {
		return told(err)
	}
	text, err := o.Text()
	if err != nil {
		return err
	}
	if _, err := p.Gateway.Check(text); err != nil {
		return told(err)
	}
	return p.replace(ctx, text, before, summary)
}

// replace puts text in the place of the overrides and in force, and keeps what
// was there before. Of a change that fails nothing is kept.
func (p *Plane) replace(ctx context.Context, text, before []byte, summary string) error {
	kept, err := p.remember(ctx, before, summary)
	if err != nil {
		return err
	}
	err = p.put(text, before)
	if now, _ := os.ReadFile(p.Overrides); err != nil && bytes.Equal(now, before) {
		_ = os.Remove(kept)
		return err
	}
	p.forget()
	return err
}

// put writes overrides and puts them in force. If that fails the former ones
// are written again.
func (p *Plane) put(text, before []byte) error {
	if err := ensureDir(p.Overrides); err != nil {
		return err
	}
	if err := schema.WriteAtomic(p.Overrides, text); err != nil {
		return err
	}
	err := p.Gateway.Apply()
	if err == nil {
		return nil
	}
	undo := os.Remove(p.Overrides)
	if before != nil {
		undo = schema.WriteAtomic(p.Overrides, before)
	}
	if undo != nil {
		p.Logger.Error("the overrides before cannot be written again", "file", p.Overrides, "error", undo.Error())
	}
	var problems *schema.Problems
	if errors.As(err, &problems) {
		return told(err)
	}
	return console.Conflict(err.Error())
}

// keptVersions is how many former overrides can be gone back to.
const keptVersions = 20

// former is a version of the overrides before a change.
type former struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Summary string    `json:"summary"` // of the change after it
	Text    string    `json:"text"`    // empty: there was no file
}

func (p *Plane) formerDir() string { return filepath.Join(filepath.Dir(p.Overrides), "undo") }

// remember keeps a version of the overrides before it is changed, in the file
// whose path it returns.
func (p *Plane) remember(ctx context.Context, before []byte, summary string) (kept string, err error) {
	var random [3]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	now := time.Now().UTC()
	f := former{
		ID: now.Format("20060102T150405.000") + "-" + hex.EncodeToString(random[:]), At: now,
		Actor: console.Actor(ctx), Summary: summary, Text: string(before),
	}
	data, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(p.formerDir(), 0o700); err != nil {
		return "", err
	}
	kept = filepath.Join(p.formerDir(), f.ID+".json")
	return kept, schema.WriteAtomic(kept, data)
}

// formers lists the versions that are kept, the newest first.
func (p *Plane) formers() []former {
	entries, _ := os.ReadDir(p.formerDir())
	var out []former
	for _, e := range slices.Backward(entries) {
		if !strings.HasSuffix(e.Name(), ".json") || len(out) == keptVersions {
			continue
		}
		data, err := os.ReadFile(filepath.Join(p.formerDir(), e.Name()))
		var f former
		if err == nil && json.Unmarshal(data, &f) == nil && f.ID+".json" == e.Name() {
			out = append(out, f)
		}
	}
	return out
}

// forget removes the oldest versions beyond keptVersions.
func (p *Plane) forget() {
	entries, _ := os.ReadDir(p.formerDir())
	for len(entries) > keptVersions {
		_ = os.Remove(filepath.Join(p.formerDir(), entries[0].Name()))
		entries = entries[1:]
	}
}

// goBack puts a former version in force.
func (p *Plane) goBack(ctx context.Context, id string) error {
	release, err := p.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	all := p.formers()
	i := slices.IndexFunc(all, func(f former) bool { return f.ID == id })
	if i < 0 {
		return console.NotFound("there is no such change to take back")
	}
	before, err := os.ReadFile(p.Overrides)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := []byte(all[i].Text)
	if len(text) == 0 {
		text = []byte("version: 1\n")
	}
	if _, err := p.Gateway.Check(text); err != nil {
		return told(err)
	}
	return p.replace(ctx, text, before, "went back to before: "+all[i].Summary)
}
