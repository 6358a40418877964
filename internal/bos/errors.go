package bos

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("already exists")
	// ErrOutdated is that of a program whose database a newer one has upgraded since.
	ErrOutdated  = errors.New("a newer program has upgraded the database since this one started")
	ErrFenced    = errors.New("another service has taken over the engine's lease on this database")
	ErrLeaseHeld = errors.New("another service holds the engine's lease on this database")
	// ErrImage marks an image that is missing or broken, as against one
	// that could not be read now.
	ErrImage = errors.New("boot image unusable")
	// ErrChanged says that a record is not the one any more that a write was
	// planned for.
	ErrChanged = errors.New("changed meanwhile")
	// ErrSkip is what a change of a record returns to leave it alone.
	ErrSkip = errors.New("left as it is")
)

// Invalid is bad input: what the API answers with 400 and what changes
// nothing. Its text names the field, the value and the way out.
type Invalid struct {
	// Field is the path of the offending field, such as
	// boot_sets.compute.arch; empty if it is the whole.
	Field  string
	Detail string
}

// Error is the sentence for people.
func (e *Invalid) Error() string {
	if e.Field == "" {
		return e.Detail
	}
	return e.Field + ": " + e.Detail
}

// Invalidf makes an Invalid with a formatted detail.
func Invalidf(field, format string, args ...any) error {
	return &Invalid{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// CallError is a call to an upstream that failed, with what is known about it.
type CallError struct {
	Outcome CallOutcome
	Cause   Cause
	Detail  string
}

// Error is the detail.
func (e *CallError) Error() string { return e.Detail }

// NodeErrors says of which nodes a write was refused, and why, by id. All others
// that it was for have what was written.
type NodeErrors map[string]*CallError

// Error is the detail of one of them.
func (e NodeErrors) Error() string {
	ids := slices.SortedFunc(maps.Keys(e), CompareXnames)
	if len(ids) == 0 {
		return "nothing was refused"
	}
	first := e[ids[0]].Detail
	if len(ids) == 1 {
		return first
	}
	return fmt.Sprintf("%s (and %d more nodes)", first, len(ids)-1)
}

// ImageFault is what is wrong with an image; it is an ErrImage.
type ImageFault struct{ cause error }

// ImageFaultf says what is wrong with an image, as a sentence that begins in lower case.
func ImageFaultf(format string, args ...any) error {
	return &ImageFault{fmt.Errorf(format, args...)}
}

func (f *ImageFault) Error() string { return ErrImage.Error() + ": " + f.cause.Error() }

// Plain is the sentence alone.
func (f *ImageFault) Plain() string { return f.cause.Error() }

// Is reports whether the target is ErrImage.
func (f *ImageFault) Is(target error) bool { return target == ErrImage }

func (f *ImageFault) Unwrap() error { return f.cause }
