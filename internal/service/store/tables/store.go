// Package tables keeps the records of the service in the tables of a database that
// speaks SQL, whichever it is: package sqlite and package postgres bring the
// connections and say what differs. It implements bos.Store but for Ping; the suite in
// storetest says what that means.
//
// All writes of a process go through one goroutine that commits what waits together,
// so that concurrent writers share one wait for the disk, and no other process writes
// meanwhile. Readers have connections of their own and see whole commits only;
// ComponentDocuments reads page after page and may see one commit more on a later page.
package tables

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Store is an open database.
type Store struct {
	dialect  *Dialect
	read     Readers // for clients
	reserved Readers // for what is urgent
	shared   bool
	writer   *writer
	interned interned
	// tidied is what there was when Tidy ended last.
	tidied atomic.Pointer[numbers]

	asking asking

	maxEvents int64
	eventAge  time.Duration
	log       *slog.Logger
	news      sync.Mutex
	newEvents chan struct{}
}

// Config is what a store is made of.
type Config struct {
	Dialect *Dialect
	// Read and Reserved are connections that read: for clients, and beside them those
	// of the engine and of the health check (bos.Urgent), as a flood of lists must not
	// delay a pass.
	Read, Reserved Readers
	// Shared says that other processes write meanwhile: what they may change is not
	// kept in memory.
	Shared bool
	// TurnTime is for how long this process begins with further writes in one transaction
	// while others wait to write; 0 is no bound.
	TurnTime time.Duration
	// Write is the connection that writes, which the store closes.
	Write Connection
	// MaxEvents and EventAge bound the history, counted from the newest.
	MaxEvents int64
	EventAge  time.Duration
	Log       *slog.Logger
	// Wrote is told of each transaction from the goroutine that writes, and must not
	// block; nil is nobody.
	Wrote func(Transaction)
}

// Transaction is one that was written, or could not be.
type Transaction struct {
	// Jobs are the writes that shared it.
	Jobs int
	// Took is the whole of it, Sync the commit, which waits for the disk.
	Took, Sync time.Duration
	Failed     bool
}

// New makes a store of a database that has the newest schema.
func New(c Config) *Store {
	s := &Store{
		dialect: c.Dialect, read: c.Read, reserved: c.Reserved, shared: c.Shared, writer: newWriter(c.Write, c.Dialect),
		maxEvents: c.MaxEvents, eventAge: c.EventAge, log: c.Log,
	}
	s.writer.turnTime = c.TurnTime
	s.writer.committed, s.writer.prune, s.writer.wrote = s.Announce, s.pruneEvents, c.Wrote
	go s.writer.loop()
	return s
}

// Queue is how many writes wait for their transaction.
func (s *Store) Queue() int { return len(s.writer.queue) }

// Newest is the revision of the newest write of this process, 0 before the first.
func (s *Store) Newest() int64 { return s.writer.newest.Load() }

// Trouble is why the last write failed, nil if it did not.
func (s *Store) Trouble() error {
	if failed := s.writer.trouble.Load(); failed != nil {
		return *failed
	}
	return nil
}

// Close finishes the writes under way and closes the connections.
func (s *Store) Close() error {
	return errors.Join(s.writer.close(), s.read.Close(), s.reserved.Close())
}
