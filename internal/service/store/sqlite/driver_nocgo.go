//go:build !cgo

package sqlite

import (
	"errors"
	"net/url"

	"modernc.org/sqlite" // the driver of builds without cgo
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

// resultCode is the primary result code of SQLite in an error.
func resultCode(err error) (code int, ok bool) {
	var failed *sqlite.Error
	if !errors.As(err, &failed) {
		return 0, false
	}
	return failed.Code() & 0xff, true // what it has above this is detail
}
