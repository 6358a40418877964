package tables

import (
	"errors"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Trouble is why a database cannot be used, as a kind that has a way out.
type Trouble int

// The kinds of trouble. The zero value is none of them.
const (
	// TroubleOther is what nobody has a word for, or no trouble at all.
	TroubleOther Trouble = iota
	// InUse is a database that another process has.
	InUse
	// Full is a disk without room.
	Full
	// ReadOnly is a file, its file system or a database that takes no writes.
	ReadOnly
	// Closed is a file that can be neither opened nor made.
	Closed
	// Damaged is a file of which a part is not what was written, or that never was a database.
	Damaged
	// Newer is a database of a newer program.
	Newer
	// Failing is a disk that answers with errors.
	Failing
	// Away is a database, or a way to it, that does not answer.
	Away
	// Refused is a database that does not let this program in, or not do what it needs.
	Refused
)

// TroubleError is an error of the database with what can be done about it.
type TroubleError struct {
	Kind Trouble
	Err  error
	// Out is the way out, empty if Err has it.
	Out string
}

// Error says both.
func (e *TroubleError) Error() string {
	if e.Out != "" {
		return bos.Unstopped(e.Err.Error()) + "; " + e.Out
	}
	return e.Err.Error()
}

// Unwrap is the error itself.
func (e *TroubleError) Unwrap() error { return e.Err }

// TroubleOf is the kind of trouble that an error was found to tell of.
func TroubleOf(err error) Trouble {
	var known *TroubleError
	switch {
	case errors.As(err, &known):
		return known.Kind
	case errors.Is(err, bos.ErrLeaseHeld):
		return InUse
	}
	return TroubleOther
}
