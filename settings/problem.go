package settings

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with what an operator wrote.
type Problem struct {
	// Path is where: keys and indices, like "plans[0].servers.imap[1].port".
	Path string `json:"path"`
	// Text says what is wrong and what to do.
	Text string `json:"text"`
	// Warning means: accepted, but some clients will not get what is meant.
	Warning bool `json:"warning,omitempty"`
}

// Problems is a list of them, in the order of the file.
type Problems []Problem

// Add appends an error.
func (p *Problems) Add(path, format string, args ...any) {
	*p = append(*p, Problem{Path: path, Text: fmt.Sprintf(format, args...)})
}

// Warn appends a warning.
func (p *Problems) Warn(path, format string, args ...any) {
	*p = append(*p, Problem{Path: path, Text: fmt.Sprintf(format, args...), Warning: true})
}

// Errors are the problems that must be mended.
func (p Problems) Errors() Problems { return p.keep(false) }

// Warnings are the problems that may stay.
func (p Problems) Warnings() Problems { return p.keep(true) }

func (p Problems) keep(warning bool) Problems {
	var kept Problems
	for _, problem := range p {
		if problem.Warning == warning {
			kept = append(kept, problem)
		}
	}
	return kept
}

// Err is nil if nothing must be mended, else an error with all of it.
func (p Problems) Err() error {
	if errs := p.Errors(); len(errs) > 0 {
		return errs
	}
	return nil
}

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Path + ": " + problem.Text
	}
	return strings.Join(lines, "\n")
}
