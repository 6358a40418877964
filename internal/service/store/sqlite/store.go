// Package sqlite keeps the records of the service in one SQLite file. It
// implements bos.Store; the suite in storetest says what that means.
//
// All writes go through one goroutine that commits what waits together, so
// that concurrent writers share one wait for the disk. Readers have
// connections of their own and see whole commits only; ComponentDocuments reads
// page after page and may see one commit more on a later page.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Store is an open database.
type Store struct {
	write    *sql.DB
	read     *sql.DB // for clients
	reserved *sql.DB // for what is urgent
	writer   *writer
	interned interned
	tokens   tokenCache
	// tidied is what there was when Tidy ended last.
	tidied atomic.Pointer[numbers]

	// files are those that are open.
	files     files
	wal       wal
	maxEvents int64
	eventAge  time.Duration
	log       *slog.Logger
	news      sync.Mutex
	newEvents chan struct{}
}

var _ bos.Store = (*Store)(nil)

// Option changes a setting of a store.
type Option func(*Store)

// LogLimit is from which size on, in bytes, the write-ahead log is cut; the default is
// 64 MiB.
func LogLimit(size int64) Option { return func(s *Store) { s.wal.limit = size } }

// KeepEvents bounds the history: at most about so many events, and none older
// than age, counted from the newest. The defaults are DefaultMaxEvents and
// DefaultEventAge.
func KeepEvents(most int64, age time.Duration) Option {
	return func(s *Store) { s.maxEvents, s.eventAge = most, age }
}

// Log is where repairs are told; by default nowhere.
func Log(log *slog.Logger) Option { return func(s *Store) { s.log = log } }

// Open opens or creates the database file at path and brings it to the newest
// version, after a backup beside it. Stored options that are not allowed any
// more get their defaults. A file from a newer version of the program is
// refused.
func Open(ctx context.Context, path string, options ...Option) (*Store, error) {
	s, err := open(ctx, path, options)
	return s, troubled(err)
}

func open(ctx context.Context, path string, options []Option) (*Store, error) {
	if err := private(path); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	write, err := sql.Open(driverName, dataSource(path, false))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	upgrade, err := migrate(ctx, write, path, pause)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	s := &Store{write: write, wal: wal{path: path + "-wal", limit: walLimit}, maxEvents: DefaultMaxEvents, eventAge: DefaultEventAge, log: slog.New(slog.DiscardHandler)}
	for _, option := range options {
		option(s)
	}
	if upgrade.Backup != "" {
		s.log.Info("the database was upgraded", "database", path, "from", upgrade.From, "to", upgrade.To, "backup", upgrade.Backup)
	}
	if s.read, err = openReaders(path, readers); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	if s.reserved, err = openReaders(path, reserved); err != nil {
		return nil, errors.Join(err, s.read.Close(), write.Close())
	}
	conn, err := write.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s for writing: %w", path, err), s.read.Close(), s.reserved.Close(), write.Close())
	}
	if err := tune(ctx, conn); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s for writing: %w", path, err), conn.Close(), s.read.Close(), s.reserved.Close(), write.Close())
	}
	s.writer = newWriter(conn)
	s.files = filesOf(path)
	s.writer.committed, s.writer.prune, s.writer.lost, s.writer.rest = s.announce, s.pruneEvents, s.files.same, s.boundLog
	go s.writer.loop()
	if err := s.repairOptions(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), s.Close())
	}
	return s, nil
}

// tune sets what the defaults are too small for: a site of 10,000 nodes is some
// 30 MB, and a bulk write touches all of it. Two thirds in the cache are as quick as
// all; the rest goes into the log before the commit.
func tune(ctx context.Context, conn *sql.Conn) error {
	for _, pragma := range []string{
		"PRAGMA cache_size = -20000",           // KiB
		"PRAGMA wal_autocheckpoint = 4000",     // pages
		"PRAGMA journal_size_limit = 67108864", // bytes of the log kept after a checkpoint
	} {
		var ignored any
		if err := conn.QueryRowContext(ctx, pragma).Scan(&ignored); err != nil && !notThere(err) {
			return fmt.Errorf("%s: %w", pragma, err)
		}
	}
	return nil
}

// Ping reports whether the database can be used: whether it can be read, whether
// what was written last could be written, whether nothing that was written so far
// met a damaged part, and whether its files are still those that are open.
func (s *Store) Ping(ctx context.Context) error {
	if damage := s.writer.damage.Load(); damage != nil {
		return troubled(fmt.Errorf("a write met a damaged part: %w", *damage))
	}
	if failed := s.writer.trouble.Load(); failed != nil {
		return troubled(fmt.Errorf("the last write failed: %w", *failed))
	}
	if err := s.files.same(); err != nil {
		return err
	}
	var one int
	return troubled(s.row(bos.Urgent(ctx), "SELECT 1 FROM goose_db_version LIMIT 1").Scan(&one))
}

// Close finishes the writes under way and closes the database.
func (s *Store) Close() error {
	return errors.Join(s.writer.close(), s.read.Close(), s.reserved.Close(), s.write.Close())
}
