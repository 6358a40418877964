package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Level is how much a finding matters.
type Level string

// The levels.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning"
	LevelError   Level = "error"
)

// Finding is what was found out about one thing.
type Finding struct {
	Level Level `json:"level"`
	// What is the setting or thing, Value what it is set to or is.
	What  string `json:"what"`
	Value string `json:"value"`
	// Cause is what is wrong, or what is there; WayOut what to do about it, empty for
	// LevelOK.
	Cause  string `json:"cause"`
	WayOut string `json:"way_out,omitempty"`
}

// String is the finding on one line.
func (f Finding) String() string {
	text := f.What
	if f.Value != "" {
		text += " " + f.Value
	}
	text += ": " + f.Cause
	if f.WayOut != "" {
		text = bos.Unstopped(text) + "; " + f.WayOut
	}
	return strings.Join(strings.Fields(text), " ")
}

// Report is all that was found.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Unread is the report on a configuration that cannot be read.
func Unread(path string, err error) Report {
	var s section
	s.failed("configuration", path, err)
	return Report{s.findings}
}

// Count is how many findings have a level.
func (r Report) Count(l Level) int {
	n := 0
	for _, f := range r.Findings {
		if f.Level == l {
			n++
		}
	}
	return n
}

// Worst is the level of the worst finding.
func (r Report) Worst() Level {
	switch {
	case r.Count(LevelError) > 0:
		return LevelError
	case r.Count(LevelWarning) > 0:
		return LevelWarning
	default:
		return LevelOK
	}
}

// Write writes a line for each finding, and how many there are.
func (r Report) Write(w io.Writer) error {
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(w, "%-8s %s\n", f.Level, f); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s, %s, %d in order\n", counted(r.Count(LevelError), "error"), counted(r.Count(LevelWarning), "warning"), r.Count(LevelOK))
	return err
}

// counted is "1 error" or "2 errors".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// section collects the findings of one part.
type section struct {
	mu       sync.Mutex
	findings []Finding
	// late is until when the part has time, as a context that then ends; nil is for ever.
	late context.Context //nolint:containedctx // it is that of the part
	// within is how long that is.
	within time.Duration
}

func (s *section) add(f Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = append(s.findings, f)
}

func (s *section) ok(what, value, format string, args ...any) {
	s.add(Finding{LevelOK, what, value, fmt.Sprintf(format, args...), ""})
}

func (s *section) warn(what, value, cause, wayOut string) {
	s.add(Finding{LevelWarning, what, value, cause, wayOut})
}

func (s *section) bad(what, value, cause, wayOut string) {
	s.add(Finding{LevelError, what, value, cause, wayOut})
}

// failed tells an error of an adapter, whose sentences end in the way out.
func (s *section) failed(what, value string, err error) { s.told(LevelError, what, value, err.Error()) }

// told tells a sentence of an adapter.
func (s *section) told(l Level, what, value, sentence string) {
	cause, wayOut := sentence, "correct what it names, and check again"
	switch i := strings.LastIndex(sentence, "; "); {
	case i > 0:
		cause, wayOut = sentence[:i], sentence[i+2:]
	case s.late != nil && errors.Is(s.late.Err(), context.DeadlineExceeded):
		wayOut = fmt.Sprintf("see whether it hangs, and whether its address is right; this part of the check gave up after %s (--timeout gives it longer)", s.within)
	}
	s.add(Finding{l, what, value, cause, wayOut})
}
