package schema

import (
	"io/fs"
	"testing"
	"time"
)

// info is the size and time of a file.
type info struct {
	fs.FileInfo
	size int64
	time time.Time
}

func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.time }

func TestChanged(t *testing.T) {
	then := time.Unix(1000, 0)
	now := then.Add(time.Millisecond)
	for _, tc := range []struct {
		name          string
		before, after info
		read          int
		want          bool
	}{
		{"at rest", info{size: 5, time: then}, info{size: 5, time: then}, 5, false},
		{"written anew in the same size", info{size: 5, time: then}, info{size: 5, time: now}, 5, true},
		{"grown after it was read", info{size: 5, time: then}, info{size: 9, time: then}, 5, true},
		{"grown while it was read", info{size: 5, time: then}, info{size: 9, time: then}, 9, true},
		{"cut short", info{size: 5, time: then}, info{size: 0, time: then}, 5, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := changed(tc.before, tc.after, tc.read); got != tc.want {
				t.Errorf("changed is %t", got)
			}
		})
	}
}

func TestPointer_EscapesAndBack(t *testing.T) {
	for _, steps := range [][]string{nil, {"a"}, {"a/b", "c~d", "~1", "/"}, {""}, {"0", "é"}} {
		p := joinPointer(steps)
		back := splitPointer(p)
		if joinPointer(back) != p || len(back) != len(steps) {
			t.Errorf("%q became %q, then %q", steps, p, back)
		}
		for i := range back {
			if back[i] != steps[i] {
				t.Errorf("%q became %q, then %q", steps, p, back)
			}
		}
	}
	if p := joinPointer([]string{"a/b", "c~d"}); p != "/a~1b/c~0d" {
		t.Errorf("got %s", p)
	}
}
