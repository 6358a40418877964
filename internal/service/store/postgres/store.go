// Package postgres keeps the records of the service in a PostgreSQL database, in the
// tables of package tables; the suite in storetest says what that means. Several
// processes may share it, on one machine or many.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

const (
	// readers is how many reads of clients go on at the same time in this process; more
	// wait. reserved is how many those of the engine and of the health check do.
	readers  = 8
	reserved = 3
	// turnTime is for how long this process begins with further writes while others wait.
	turnTime = time.Second
	// readTime bounds one read, waiting for its answer included.
	readTime = 30 * time.Second
	// idleTime is for how long a connection is kept that nobody uses: behind what
	// balances between databases, none stays where it was for ever.
	idleTime = 5 * time.Minute
)

// Store is an open database.
type Store struct {
	*tables.Store
	pools []pool
	// signs are for the question whether the database is at work (patient): of who writes,
	// which must not wait for reads that are as slow, and of those.
	signs    [2]pool
	follower *follower
	sweeper  *sweeper
	// leave ends both.
	leave context.CancelFunc
}

var _ bos.Store = (*Store)(nil)

// Option changes a setting of a store.
type Option func(*settings)

type settings struct {
	tables.Config
	password func() (string, error)
}

// Password is asked for the password of the database whenever a connection is made; one
// in the environment (PGPASSWORD) or in ~/.pgpass is then not looked at.
func Password(read func() (string, error)) Option {
	return func(c *settings) { c.password = read }
}

// KeepEvents bounds the history: at most about so many events, and none older than age,
// counted from the newest.
func KeepEvents(most int64, age time.Duration) Option {
	return func(c *settings) { c.MaxEvents, c.EventAge = most, age }
}

// Log is where repairs are told; by default nowhere.
func Log(log *slog.Logger) Option { return func(c *settings) { c.Log = log } }

// Wrote is told of each transaction, as tables.Config says.
func Wrote(tell func(tables.Transaction)) Option { return func(s *settings) { s.Wrote = tell } }

// Open opens the database that a connection string names (postgres://...) and brings
// its tables to the newest version. One of a newer program is refused.
func Open(ctx context.Context, dsn string, options ...Option) (*Store, error) {
	c := settings{Config: tables.Config{
		Dialect: dialect, MaxEvents: tables.DefaultMaxEvents, EventAge: tables.DefaultEventAge, Log: slog.New(slog.DiscardHandler), Shared: true, TurnTime: turnTime,
	}}
	for _, option := range options {
		option(&c)
	}
	where, err := parse(dsn, c.password)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, where, c.Config)
	if err != nil {
		return nil, troubled(fmt.Errorf("open database %s: %w", where, err))
	}
	return s, nil
}

func open(ctx context.Context, where *address, c tables.Config) (*Store, error) {
	if err := migrate(ctx, where, c.Log); err != nil {
		return nil, err
	}
	s := &Store{}
	for i := range s.signs {
		p, err := newPool(ctx, where, 1)
		if err != nil {
			return nil, errors.Join(err, s.closePools())
		}
		s.signs[i], s.pools = p, append(s.pools, p)
	}
	for _, lane := range []struct {
		readers *tables.Readers
		size    int32
	}{{&c.Read, readers}, {&c.Reserved, reserved}} {
		p, err := newPool(ctx, where, lane.size)
		if err != nil {
			return nil, errors.Join(err, s.closePools())
		}
		p.signs, p.lost = &s.signs[1], s.forgetConnections
		*lane.readers, s.pools = p, append(s.pools, p)
	}
	id := uuid.NewString()
	version, err := tables.NewestVersion(migrations)
	if err != nil {
		return nil, errors.Join(err, s.closePools())
	}
	s.sweeper = newSweeper(where.connect, c.Log)
	c.Write = &connection{
		id: id, log: c.Log, version: version, demoted: s.forgetConnections, connect: where.connect, wroteRows: s.sweeper.wrote, works: s.signs[0].works,
	}
	s.Store = tables.New(c)
	s.follower = &follower{connect: where.connect, id: id, events: s.Announce, written: func() {}, free: func() {}, done: make(chan struct{})}
	following, leave := context.WithCancel(context.WithoutCancel(ctx))
	s.leave = leave
	go s.follower.run(following)
	go s.sweeper.run(following)
	if err := s.RepairOptions(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close finishes the writes under way and closes the connections.
func (s *Store) Close() error {
	s.leave()
	<-s.follower.done
	<-s.sweeper.done
	return errors.Join(s.Store.Close(), s.signs[0].Close(), s.signs[1].Close())
}

func (s *Store) closePools() error {
	var errs []error
	for _, p := range s.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// forgetConnections gives the connections up that read: they lead to a database that is not
// the primary any more, or that is silent, which each would take as long to find out.
func (s *Store) forgetConnections() {
	for _, p := range s.pools {
		p.Reset()
	}
}

// Ping reports whether the database can be used, by a transaction that writes.
func (s *Store) Ping(ctx context.Context) error {
	return s.Writable(ctx)
}
