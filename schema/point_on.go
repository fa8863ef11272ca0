//go:build crashpoints

package schema

// CrashPoint, unless nil, is told of every step of [WriteAtomic] before and after
// which a sudden death of the process could do harm: the file that is written
// and the name of the step. Builds for crash tests set it before anything is
// written.
var CrashPoint func(path, name string)

func point(path, name string) {
	if CrashPoint != nil {
		CrashPoint(path, name)
	}
}
