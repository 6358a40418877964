package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// The primary result codes of SQLite, which are the same with each driver.
const (
	codePerm, codeBusy, codeLocked, codeReadOnly = 3, 5, 6, 8
	codeIO, codeCorrupt, codeFull, codeCantOpen  = 10, 11, 13, 14
	codeProtocol, codeNotADB                     = 15, 26
)

var byCode = map[int]tables.Trouble{
	codeBusy: tables.InUse, codeLocked: tables.InUse, codeFull: tables.Full, codeReadOnly: tables.ReadOnly, codePerm: tables.Closed, codeCantOpen: tables.Closed,
	codeIO: tables.Failing, codeProtocol: tables.Failing, codeCorrupt: tables.Damaged, codeNotADB: tables.Damaged,
}

// wayOut is what an administrator can do about each.
var wayOut = map[tables.Trouble]string{
	tables.Full:     "its disk is full; make room there, and writes go on by themselves",
	tables.ReadOnly: "its file or file system is read-only; mount it for writing, or give the file to the user of the service, and start the service again",
	tables.Closed:   "a file of it can be neither opened nor made; look at the permissions of the file and its folder, and at the limit of open files",
	tables.Damaged:  "a part of it is damaged, or it is no database of this program; stop the service and restore a backup with the command restore",
	tables.Failing:  "its disk answers with errors, or is a share of the network that keeps no locks, where no database may be; look at the log of the kernel, and move the database to another disk or restore a backup there if they last",
}

// troubled adds the way out to an error of the driver, once.
func troubled(err error) error {
	if err == nil || errors.As(err, new(*tables.TroubleError)) {
		return err
	}
	kind := TroubleOf(err)
	for cause, of := range byFile {
		if kind == tables.TroubleOther && errors.Is(err, cause) {
			kind = of
		}
	}
	if kind == tables.TroubleOther {
		return err
	}
	return &tables.TroubleError{Kind: kind, Err: err, Out: wayOut[kind]}
}

// TroubleOf is the kind of trouble that an error tells of, also one of the driver.
func TroubleOf(err error) tables.Trouble {
	if known := tables.TroubleOf(err); known != tables.TroubleOther {
		return known
	}
	if code, ok := resultCode(err); ok {
		return byCode[code]
	}
	return tables.TroubleOther
}

// byFile are what the system says of a file before SQLite opens it.
var byFile = map[error]tables.Trouble{
	syscall.ENOSPC: tables.Full, syscall.EROFS: tables.ReadOnly, syscall.EIO: tables.Failing, syscall.EMFILE: tables.Closed,
	fs.ErrPermission: tables.Closed, fs.ErrNotExist: tables.Closed,
}

// newer is the error of a database of a newer program.
func newer(path string, has, knows int64) error {
	return &tables.TroubleError{Kind: tables.Newer, Err: fmt.Errorf("database %s has schema version %d, newer than the %d this program knows; use the newer program, or the backup it made before upgrading", path, has, knows)}
}

// locked reports whether an error says that another process has the write lock.
func locked(err error) bool {
	code, _ := resultCode(err)
	return code == codeBusy
}

// malformed reports whether an error says that the file is not what SQLite wrote.
func malformed(err error) bool {
	code, _ := resultCode(err)
	return byCode[code] == tables.Damaged
}
