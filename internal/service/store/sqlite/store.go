// Package sqlite keeps the records of the service in one SQLite file, in the tables of
// package tables; the suite in storetest says what that means.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

const (
	// readers is how many reads of clients go on at the same time; more wait.
	readers = 4
	// reserved is how many those of the engine and of the health check do beside
	// them (bos.Urgent).
	reserved = 2
)

// Store is an open database.
type Store struct {
	*tables.Store
	read *sql.DB // for clients
	// urgent is for the health check.
	urgent *sql.DB
	conn   *connection
	// files are those that are open.
	files files
	wal   wal
	log   *slog.Logger
}

var _ bos.Store = (*Store)(nil)

// Option changes a setting of a store.
type Option func(*settings)

type settings struct {
	tables.Config
	logLimit int64
}

// LogLimit is from which size on, in bytes, the write-ahead log is cut; the default is
// 64 MiB.
func LogLimit(size int64) Option { return func(s *settings) { s.logLimit = size } }

// KeepEvents bounds the history: at most about so many events, and none older
// than age, counted from the newest. The defaults are tables.DefaultMaxEvents and
// tables.DefaultEventAge.
func KeepEvents(most int64, age time.Duration) Option {
	return func(s *settings) { s.MaxEvents, s.EventAge = most, age }
}

// Log is where repairs are told; by default nowhere.
func Log(log *slog.Logger) Option { return func(s *settings) { s.Log = log } }

// Wrote is told of each transaction, as tables.Config says.
func Wrote(tell func(tables.Transaction)) Option { return func(s *settings) { s.Wrote = tell } }

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
	upgrade, err := migrate(ctx, write, path, tables.Pause)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	c := settings{logLimit: walLimit, Config: tables.Config{
		Dialect: dialect, MaxEvents: tables.DefaultMaxEvents, EventAge: tables.DefaultEventAge, Log: slog.New(slog.DiscardHandler),
	}}
	for _, option := range options {
		option(&c)
	}
	if upgrade.Backup != "" {
		c.Log.Info("the database was upgraded", "database", path, "from", upgrade.From, "to", upgrade.To, "backup", upgrade.Backup)
	}
	read, err := openReaders(path, readers)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	urgent, err := openReaders(path, reserved)
	if err != nil {
		return nil, errors.Join(err, read.Close(), write.Close())
	}
	c.Read, c.Reserved = readerPool{read}, readerPool{urgent}
	conn, err := write.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s for writing: %w", path, err), read.Close(), urgent.Close(), write.Close())
	}
	if err := tune(ctx, conn); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s for writing: %w", path, err), conn.Close(), read.Close(), urgent.Close(), write.Close())
	}
	s := &Store{
		read: read, urgent: urgent, files: filesOf(path), wal: wal{path: path + "-wal", limit: c.logLimit}, log: c.Log,
		conn: &connection{Conn: conn, db: write, stmts: make(map[string]*sql.Stmt)},
	}
	s.conn.lost, s.conn.rest = s.files.same, s.boundLog
	c.Write = s.conn
	s.Store = tables.New(c.Config)
	if err := s.RepairOptions(ctx); err != nil {
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
	if damage := s.conn.damage.Load(); damage != nil {
		return troubled(fmt.Errorf("a write met a damaged part: %w", *damage))
	}
	if failed := s.Trouble(); failed != nil {
		return troubled(fmt.Errorf("the last write failed: %w", failed))
	}
	if err := s.files.same(); err != nil {
		return err
	}
	var one int
	return troubled(s.urgent.QueryRowContext(ctx, "SELECT 1 FROM goose_db_version LIMIT 1").Scan(&one))
}

// notThere reports that a query found no row.
func notThere(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// Connect opens the database file at path for who moves its records, with one connection.
func Connect(path string) (*sql.DB, error) {
	db, err := sql.Open(driverName, dataSource(path, false))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}
