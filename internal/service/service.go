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

// Config is what a service is made of. Inventory, Power, Boot, Artifacts and
// Tenants may be nil: what then needs them says so.
type Config struct {
	Store     bos.Store
	Inventory bos.InventorySource
	Power     bos.Power
	Boot      bos.BootParameters
	Artifacts bos.Artifacts
	Tenants   bos.Tenants
	// MaxUnreachable is how long a BMC may stay silent while its peers
	// answer; 0 is bos.DefaultMaxUnreachable.
	MaxUnreachable time.Duration
	Version        string
	Log            *slog.Logger
}

// Service is one BOS.
type Service struct {
	config  Config
	ports   engine.Ports
	changes *changes
	handler http.Handler
	holder  string
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
		config:  c,
		changes: newChanges(),
		holder:  uuid.NewString(),
		ports: engine.Ports{
			Store: c.Store, Inventory: c.Inventory, Power: orNoPower(c.Power), Boot: orNoBoot(c.Boot),
			Artifacts: c.Artifacts, Tenants: c.Tenants,
		},
	}
	s.handler = api.New(api.Config{
		Store: c.Store, Inventory: c.Inventory, Artifacts: c.Artifacts, Tenants: c.Tenants,
		Changed: s.changes.add, Now: time.Now, Version: c.Version, Log: c.Log,
	})
	return s, nil
}

// Handler serves the API; it works whether or not Run does.
func (s *Service) Handler() http.Handler { return s.handler }

// leaseTTL is how long a service that vanished keeps others from its database.
const leaseTTL = 15 * time.Second

// Run drives the operators until ctx ends. It fails at once if another service
// drives the same database. On the way out it waits for calls in flight and
// records their answers.
func (s *Service) Run(ctx context.Context) error {
	fence, err := s.config.Store.Lease(ctx, s.holder, time.Now(), leaseTTL)
	if errors.Is(err, bos.ErrLeaseHeld) {
		return fmt.Errorf("cannot drive this database: %w; stop the other service, or wait %s if it was killed", err, leaseTTL)
	}
	if err != nil {
		return fmt.Errorf("take the engine's lease: %w", err)
	}
	r := newRunner(s, fence)
	err = r.run(ctx)
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return errors.Join(err, s.config.Store.Release(release, s.holder))
}
