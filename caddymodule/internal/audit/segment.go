package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/filelock"
)

// maxSegment is the size, in bytes, above which a file is no segment of ours.
const maxSegment = 256 << 20

// segment is one file of the log.
type segment struct {
	path  string
	first uint64 // the seq of its first record, which its name tells
	size  int64  // when it was listed
}

const (
	namePrefix = "audit-"
	nameSuffix = ".jsonl"
)

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%s%020d%s", namePrefix, first, nameSuffix))
}

// segments lists the files of the log, oldest first.
func segments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir) // ordered by name
	if err != nil {
		return nil, err
	}
	var out []segment
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), namePrefix)
		digits, ok2 := strings.CutSuffix(digits, nameSuffix)
		first, err := strconv.ParseUint(digits, 10, 64)
		if !ok || !ok2 || err != nil || len(digits) != 20 {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file", e.Name())
		}
		out = append(out, segment{filepath.Join(dir, e.Name()), first, info.Size()})
	}
	return out, nil
}

// settled lists the segments while no writer is within a line. A directory
// that cannot be locked, because it is read-only, has no writer.
func settled(ctx context.Context, dir string) ([]segment, error) {
	lock, err := filelock.Acquire(ctx, lockPath(dir), 2*time.Second)
	if errors.Is(err, filelock.ErrHeld) || ctx.Err() != nil {
		return nil, err
	}
	defer lock.Release()
	return segments(dir)
}

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

// read returns the segment as it was when it was listed.
func (s segment) read() ([]byte, error) {
	if s.size > maxSegment {
		return nil, fmt.Errorf("%s: it has %d bytes; a segment has at most %d", s.path, s.size, maxSegment)
	}
	f, err := openNoFollow(s.path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, s.size))
}

// lines yields the lines of data without their newlines, and whether each had
// one.
func lines(data []byte) iter.Seq2[[]byte, bool] {
	return func(yield func([]byte, bool) bool) {
		for line := range bytes.Lines(data) {
			text, whole := bytes.CutSuffix(line, []byte("\n"))
			if !yield(text, whole) {
				return
			}
		}
	}
}

// tail is where a segment ends.
type tail struct {
	last *parsed // nil: it has no whole record
	good int64   // the bytes up to the end of that record
	torn []byte  // what is behind it
}

// tailOf finds the end of a segment. Bytes that a crash left, a line without
// newline or blocks of zeroes, are torn; a last line that was finished and does
// not hold is damage, an error, unless accept says to treat what follows the
// last good record as torn, too.
func tailOf(data []byte, accept bool) (tail, error) {
	good := len(data)
	if i := bytes.IndexByte(data, 0); i >= 0 {
		good = i
	}
	good = bytes.LastIndexByte(data[:good], '\n') + 1
	if good == 0 {
		return tail{torn: data}, nil
	}
	start := bytes.LastIndexByte(data[:good-1], '\n') + 1
	last, err := parse(data[start : good-1])
	if err == nil && !last.intact() {
		err = errors.New("its hash does not fit its contents")
	}
	if err == nil {
		return tail{last, int64(good), data[good:]}, nil
	}
	if !accept {
		return tail{}, fmt.Errorf("the last record, at byte %d: %w", start, err)
	}
	return lastGood(data), nil
}

// lastGood walks the chain of a segment up to the first break.
func lastGood(data []byte) (t tail) {
	for line, whole := range lines(data) {
		p, err := parse(line)
		if !whole || err != nil || !p.intact() || t.last != nil && (p.Prev != t.last.Hash || p.Seq != t.last.Seq+1) {
			break
		}
		t.last = p
		t.good += int64(len(line)) + 1
	}
	t.torn = data[t.good:]
	return t
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
