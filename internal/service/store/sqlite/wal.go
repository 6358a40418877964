package sqlite

import (
	"context"
	"fmt"
	"os"
)

const (
	// walLimit is from which size on the write-ahead log is written into the database
	// and cut, with a wait for the readers. Below it SQLite does so by itself, but only
	// at a moment when nobody reads: with readers always busy the log would grow
	// without end.
	walLimit = 64 << 20
	// walPatience is how long writers wait for readers then, in milliseconds; a read
	// takes less, but for one of another program, like a backup.
	walPatience = 2000
)

// wal is the write-ahead log of a database.
type wal struct {
	path  string
	limit int64
	// next is from which size on it is tried again after a try that failed.
	next int64
}

// bound cuts the log if it is too long. It runs between transactions, on the
// connection that writes.
func (s *Store) boundLog(ctx context.Context) {
	info, err := os.Stat(s.wal.path)
	if err != nil || info.Size() <= max(s.wal.limit, s.wal.next) {
		return
	}
	mib := func(size int64) string { return fmt.Sprintf("%.1f MiB", float64(size)/(1<<20)) }
	if err := s.conn.cutLog(ctx); err != nil {
		s.wal.next = info.Size() + s.wal.limit/4
		s.log.Warn("the log of the database is long and cannot be cut; a long read keeps it, as a backup by another program does; it takes room on the disk until that ends",
			"log", s.wal.path, "size", mib(info.Size()), "limit", mib(s.wal.limit), "error", err)
		return
	}
	s.wal.next = 0
	s.log.Info("the log of the database was long and is now in the database", "log", s.wal.path, "size", mib(info.Size()), "limit", mib(s.wal.limit))
}

// cutLog writes the log into the database and empties it.
func (c *connection) cutLog(ctx context.Context) error {
	var before, ignored int
	if err := c.Row(ctx, "PRAGMA busy_timeout").Scan(&before); err != nil {
		return err
	}
	if err := c.Row(ctx, fmt.Sprint("PRAGMA busy_timeout = ", walPatience)).Scan(&ignored); err != nil {
		return err
	}
	var busy, pages, written int
	err := c.Row(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &written)
	if back := c.Row(ctx, fmt.Sprint("PRAGMA busy_timeout = ", before)).Scan(&ignored); err == nil {
		err = back
	}
	if err == nil && busy != 0 {
		err = fmt.Errorf("%d of its %d pages are in the database, the others are still being read past", written, pages)
	}
	return err
}
