//go:build cgo

package sqlite

import (
	"errors"
	"net/url"

	"github.com/mattn/go-sqlite3" // the driver of builds with cgo
)

const driverName = "sqlite3"

// dataSource is the driver's name for a database file: WAL, every commit on
// the disk, foreign keys checked. Write transactions take the lock at once.
func dataSource(path string, readOnly bool) string {
	q := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"}, "_busy_timeout": {"10000"}}
	if readOnly {
		q.Set("_query_only", "on")
	} else {
		q.Set("_txlock", "immediate")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// resultCode is the primary result code of SQLite in an error.
func resultCode(err error) (code int, ok bool) {
	var failed sqlite3.Error
	if !errors.As(err, &failed) {
		return 0, false
	}
	return int(failed.Code), true
}
