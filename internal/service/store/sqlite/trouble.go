package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

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
	// ReadOnly is a file, or its file system, that takes no writes.
	ReadOnly
	// Closed is a file that can be neither opened nor made.
	Closed
	// Damaged is a file of which a part is not what was written, or that never was a database.
	Damaged
	// Newer is a database of a newer program.
	Newer
	// Failing is a disk that answers with errors.
	Failing
)

// The primary result codes of SQLite, which are the same with each driver.
const (
	codePerm, codeBusy, codeLocked, codeReadOnly = 3, 5, 6, 8
	codeIO, codeCorrupt, codeFull, codeCantOpen  = 10, 11, 13, 14
	codeNotADB                                   = 26
)

var byCode = map[int]Trouble{
	codeBusy: InUse, codeLocked: InUse, codeFull: Full, codeReadOnly: ReadOnly, codePerm: Closed, codeCantOpen: Closed,
	codeIO: Failing, codeCorrupt: Damaged, codeNotADB: Damaged,
}

// wayOut is what an administrator can do about each.
var wayOut = map[Trouble]string{
	Full:     "its disk is full; make room there, and writes go on by themselves",
	ReadOnly: "its file or file system is read-only; mount it for writing, or give the file to the user of the service, and start the service again",
	Closed:   "a file of it can be neither opened nor made; look at the permissions of the file and its folder, and at the limit of open files",
	Damaged:  "a part of it is damaged, or it is no database of this program; stop the service and restore a backup with the command restore",
	Failing:  "its disk answers with errors; look at the log of the kernel, and move the database to another disk or restore a backup there if they last",
}

// TroubleError is an error of the database with what can be done about it.
type TroubleError struct {
	Kind Trouble
	Err  error
}

// Error says both.
func (e *TroubleError) Error() string {
	if out := wayOut[e.Kind]; out != "" {
		return e.Err.Error() + "; " + out
	}
	return e.Err.Error()
}

// Unwrap is the error itself.
func (e *TroubleError) Unwrap() error { return e.Err }

// troubled adds the way out to an error of the driver, once.
func troubled(err error) error {
	if err == nil || errors.As(err, new(*TroubleError)) {
		return err
	}
	kind := TroubleOf(err)
	for cause, of := range byFile {
		if kind == TroubleOther && errors.Is(err, cause) {
			kind = of
		}
	}
	if kind == TroubleOther {
		return err
	}
	return &TroubleError{kind, err}
}

// TroubleOf is the kind of trouble that an error tells of.
func TroubleOf(err error) Trouble {
	var known *TroubleError
	switch {
	case errors.As(err, &known):
		return known.Kind
	case errors.Is(err, bos.ErrLeaseHeld):
		return InUse
	}
	if code, ok := resultCode(err); ok {
		return byCode[code]
	}
	return TroubleOther
}

// byFile are what the system says of a file before SQLite opens it.
var byFile = map[error]Trouble{
	syscall.ENOSPC: Full, syscall.EROFS: ReadOnly, syscall.EIO: Failing, syscall.EMFILE: Closed,
	fs.ErrPermission: Closed, fs.ErrNotExist: Closed,
}

// newer is the error of a database of a newer program.
func newer(path string, has, knows int64) error {
	return &TroubleError{Newer, fmt.Errorf("database %s has schema version %d, newer than the %d this program knows; use the newer program, or the backup it made before upgrading", path, has, knows)}
}

// locked reports whether an error says that another process has the write lock.
func locked(err error) bool {
	code, _ := resultCode(err)
	return code == codeBusy
}

// malformed reports whether an error says that the file is not what SQLite wrote.
func malformed(err error) bool {
	code, _ := resultCode(err)
	return byCode[code] == Damaged
}
