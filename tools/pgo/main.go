// Command pgo makes one small profile for the compiler out of CPU profiles that
// the load test has written.
//
//	cd tools && go run ./pgo -o ../caddymodule/cmd/aimux/default.pgo directory/cpu-*.pprof
//
// The compiler asks a profile only which function calls which from which line and
// how often, so that is what is kept: an entry for each such call, the most
// frequent ones that together make up -keep of all. Stacks, addresses, times, and
// the names of files and of the machine's directories stay behind. The file is
// written into the repository, and the same profiles give the same bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/pprof/profile"
)

func main() {
	output := flag.String("o", "default.pgo", "file to write")
	keep := flag.Float64("keep", 0.998, "share of the calls' weight to keep")
	flag.Parse()
	if err := run(*output, *keep, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "pgo:", err)
		os.Exit(1)
	}
}

func run(output string, keep float64, files []string) error {
	if len(files) == 0 {
		return errors.New("no profiles: go run ./pgo -o default.pgo cpu-*.pprof")
	}
	all := make(calls)
	for _, file := range files {
		if err := all.read(file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	kept := all.heaviest(keep)
	if len(kept) == 0 {
		return errors.New("the profiles have no samples")
	}
	size, err := write(output, small(kept))
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d of %d calls, %d KB, from %d profiles\n", output, len(kept), len(all), (size+1023)/1024, len(files))
	return nil
}

// read adds a profile's calls.
func (c calls) read(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		return err
	}
	return c.add(p)
}

// write replaces the output in one step and returns its size.
func write(output string, p *profile.Profile) (int64, error) {
	f, err := os.CreateTemp(filepath.Dir(output), ".pgo-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(p.Write(f), f.Chmod(0o644)); err != nil {
		f.Close()
		return 0, err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(f.Name(), output)
}
