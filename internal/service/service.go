// Package service is the bundled BOS service: the API over a store, and the
// runner that carries out what the engine says with goroutines, timers and
// sockets. What is decided is in decide, what is due in engine; here is only
// the clock.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/api"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// Config is what a service is made of. All but Store may be nil: what then
// needs it says so.
type Config struct {
	Store         bos.Store
	Inventory     bos.InventorySource
	Power         bos.Power
	Boot          bos.BootParameters
	Configuration bos.Configuration
	Artifacts     bos.Artifacts
	Tenants       bos.Tenants
	Images        bos.Images
	// MaxUnreachable is how long a BMC may stay silent while its peers
	// answer; 0 is bos.DefaultMaxUnreachable.
	MaxUnreachable time.Duration
	// MaxSetupWait is how long a session stays pending while an upstream
	// that its setup needs does not answer; 0 is bos.DefaultSetupGiveUp.
	MaxSetupWait time.Duration
	// Limits bound the power actions of all nodes together.
	Limits bos.PowerLimits
	// Stopping is closed when the server that serves the Handler is to
	// stop; streams end then. It may be nil.
	Stopping <-chan struct{}
	Version  string
	// Log is filtered by the option logging_level while the service runs, so
	// its handler should pass everything on.
	Log *slog.Logger
}

// Service is one BOS.
type Service struct {
	config  Config
	ports   engine.Ports
	changes *changes
	clock   clock
	// flights are the calls under way.
	flights flights
	handler http.Handler
	holder  string
	level   slog.LevelVar
	driving driving
	// loud is the log that no option silences: that somebody did so, and that
	// the lease may be lost.
	loud *slog.Logger
}

// New makes a service; nothing runs before Run.
func New(c Config) (*Service, error) {
	if c.Store == nil {
		return nil, errors.New("a service needs a store")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		changes: newChanges(),
		holder:  uuid.NewString(),
		loud:    c.Log,
		driving: driving{ready: make(chan struct{})},
	}
	c.Log = slog.New(levelled{c.Log.Handler(), &s.level})
	s.config = c
	s.clock.resume(time.Now())
	s.ports = engine.Ports{
		Store: c.Store, Inventory: c.Inventory, Power: orNoPower(c.Power), Boot: orNoBoot(c.Boot),
		Configuration: c.Configuration, Artifacts: c.Artifacts, Tenants: c.Tenants, Registry: c.Images,
	}
	s.handler = api.New(api.Config{
		Store: c.Store, Inventory: c.Inventory, Artifacts: c.Artifacts, Tenants: c.Tenants, Images: c.Images,
		Configuration: c.Configuration != nil,
		Stopping:      c.Stopping,
		Changed:       s.changed, Now: time.Now, Version: c.Version, Log: c.Log,
	})
	return s, nil
}

// Handler serves the API; it works whether or not Run does.
func (s *Service) Handler() http.Handler { return s.handler }

// changed is told of every write of the API. Calls that wait for their turn for
// what is no longer wanted are void when the write is answered.
func (s *Service) changed(c api.Change) {
	s.flights.halt(c.Components)
	s.flights.written(c.Records)
	s.changes.add(c)
}

// Hint takes note that the power of nodes may have changed: a notification of
// HSM or an event of a BMC. The engine looks soon at those of them that it waits
// for, and takes nothing else from it. It never blocks and may be called from any
// goroutine, also before Run; unknown nodes cost nothing.
func (s *Service) Hint(nodes ...string) { s.changes.hint(nodes) }

// Run drives the operators until ctx ends. If another service holds the
// database it waits for that lease to run out, as it does after a kill, and
// fails if it is renewed instead. On the way out it waits for calls in flight
// and records their answers.
func (s *Service) Run(ctx context.Context) error {
	lease, err := s.lease(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, bos.ErrLeaseHeld):
		return fmt.Errorf("cannot drive this database: %w and keeps renewing it; stop the other service, or give this one a database of its own", err)
	case err != nil:
		return fmt.Errorf("take the engine's lease: %w", err)
	}
	s.driving.begin()
	r := newRunner(s, lease)
	err = r.run(ctx)
	s.driving.end()
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return errors.Join(err, s.config.Store.Release(release, s.holder))
}
