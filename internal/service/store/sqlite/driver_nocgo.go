//go:build !cgo

package sqlite

import (
	"errors"
	"net/url"

	"modernc.org/sqlite" // the driver of builds without cgo
	lib "modernc.org/sqlite/lib"
)

const driverName = "sqlite"

// dataSource is the driver's name for a database file: WAL, every commit on
// the disk, foreign keys checked. Write transactions take the lock at once.
func dataSource(path string, readOnly bool) string {
	q := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "busy_timeout(10000)"}}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Set("_txlock", "immediate")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// locked reports whether an error says that another process has the write lock.
func locked(err error) bool {
	var failed *sqlite.Error
	return errors.As(err, &failed) && failed.Code()&0xff == lib.SQLITE_BUSY
}

// malformed reports whether an error says that the file is not what SQLite wrote.
func malformed(err error) bool {
	var failed *sqlite.Error
	if !errors.As(err, &failed) {
		return false
	}
	code := failed.Code() & 0xff // what it has above this is detail
	return code == lib.SQLITE_CORRUPT || code == lib.SQLITE_NOTADB
}
