package command

import (
	"errors"
	"path/filepath"

	"github.com/aimux/aimux/schema"
)

// checkFile finds the problems of a configuration, which may be a Caddyfile:
// then those of the configuration it names, and of its access logs.
func checkFile(file string) schema.Report {
	if !IsCaddyfile(file) {
		report := schema.Check(loadOptions(file))
		report.Warnings = append(report.Warnings, leaksBeside(file)...)
		return report
	}
	at, err := readInstallation(file)
	if err != nil {
		return failedReport(file, err)
	}
	report := at.check()
	report.Warnings = append(report.Warnings, leaksOf(at)...)
	return report
}

// failedReport is a report of one problem, or of all the problems that an error
// holds.
func failedReport(file string, err error) schema.Report {
	report := schema.Report{Problems: []schema.Problem{}, Warnings: []schema.Problem{}}
	var problems *schema.Problems
	if errors.As(err, &problems) {
		report.Problems = *problems
		return report
	}
	report.Problems = append(report.Problems, schema.Problem{File: file, Msg: err.Error()})
	return report
}

// check finds the problems of the configuration that is served.
func (at *Installation) check() schema.Report {
	result, err := at.Load()
	if err != nil {
		return failedReport(at.Name(), err)
	}
	return schema.Report{OK: true, Problems: []schema.Problem{}, Warnings: append([]schema.Problem{}, result.Warnings...)}
}

// leaksBeside looks at the Caddyfile beside a configuration, if there is one
// that can be read.
func leaksBeside(file string) []schema.Problem {
	at, err := readInstallation(filepath.Join(filepath.Dir(file), "Caddyfile"))
	if err != nil {
		return nil
	}
	return leaksOf(at)
}

// leaksOf are the access logs of a Caddyfile that write keys, as warnings.
func leaksOf(at *Installation) []schema.Problem {
	var out []schema.Problem
	for _, text := range leakingLogs(at.caddy) {
		out = append(out, schema.Problem{File: at.Caddyfile, Msg: text, Hint: accessLogFilter})
	}
	return out
}
