// Package service is the bundled BOS service: it wires the API and the shell that
// drives the components to one store and the adapters of a site.
package service

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/api"
	"github.com/bootorch/terraform-provider-bos/internal/service/board"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
	"github.com/bootorch/terraform-provider-bos/internal/service/metrics"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
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
	// Scripted says that nodes fetch their boot scripts from this service alone,
	// which is told of each (Fetched).
	Scripted bool
	// MaxUnreachable is how long a BMC may stay silent while its peers
	// answer; 0 is bos.DefaultMaxUnreachable.
	MaxUnreachable time.Duration
	// MaxSetupWait is how long a session stays pending while an upstream
	// that its setup needs does not answer; 0 is bos.DefaultSetupGiveUp.
	MaxSetupWait time.Duration
	// Limits bound the power actions of all nodes together.
	Limits bos.PowerLimits
	// BootProof is what is taken as proof that a node has booted, besides its report.
	BootProof bos.BootProof
	// Proofs asks for those that do not come by themselves; it may be nil.
	Proofs bos.BootProofs
	// Workload is the workload manager, and WorkloadPolicy how nodes are drained by it;
	// Health is the health check. Each may be nil.
	Workload       bos.WorkloadManager
	WorkloadPolicy bos.WorkloadPolicy
	Health         bos.HealthCheck
	HealthPolicy   bos.HealthPolicy
	// Metrics count what it does, and GET /metrics shows them; nil is nobody.
	Metrics *metrics.Metrics
	// NodesByName maps the names that the workload manager has for nodes to their ids; nil
	// is that they are the same.
	NodesByName func(ctx context.Context, names []string) (map[string]string, error)
	// Secrets says which secrets of the settings cannot be read now; it may be nil.
	Secrets func() []string
	// Shared says that other services may share the database: one of them drives it, and
	// the others stand by.
	Shared bool
	// PublicURL is the address under which people reach the service, for links to its page.
	PublicURL string
	// Streams is how many clients may follow live at the same time; 0 is the usual.
	Streams int
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
	shell   *shell.Shell
	handler http.Handler
	level   slog.LevelVar
	driving driving
	board   *board.Board
	asking  atomic.Bool // how far sessions are, for a scrape
	// news says that another process has written.
	news chan struct{}
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
	s := &Service{loud: c.Log, driving: driving{ready: make(chan struct{})}, news: make(chan struct{}, 1)}
	c.Log = slog.New(levelled{c.Log.Handler(), &s.level})
	s.config = c
	settings := engineSettings(c)
	s.board = board.New(board.Config{Store: c.Store, Public: c.PublicURL})
	s.shell = shell.New(shell.Config{
		Ports: shell.Ports{
			Store: c.Store, Inventory: c.Inventory, Power: powerOrNone(c.Power), Boot: bootOrNone(c.Boot),
			Configuration: c.Configuration, Proofs: c.Proofs, Artifacts: c.Artifacts, Tenants: c.Tenants, Registry: c.Images,
			Workload: c.Workload, Health: c.Health,
		},
		Engine:   settings,
		Observer: s.observer(),
		Holder:   uuid.NewString(), Options: s.setLevel, Shared: c.Shared, Driving: s.drives, Following: s.driving.follow, Log: c.Log, Alert: s.loud,
	})
	s.handler = api.New(api.Config{
		Store: c.Store, Inventory: c.Inventory, Artifacts: c.Artifacts, Tenants: c.Tenants, Images: c.Images,
		Names:         namesOf(c.Inventory),
		NodesByName:   c.NodesByName,
		Configuration: c.Configuration != nil,
		BootProof:     c.BootProof,
		Policy:        settings.Policy,
		PublicURL:     c.PublicURL,
		Stopping:      c.Stopping,
		Health:        s.health,
		Metrics:       s.scraped(),
		Board:         s.board,
		Streams:       c.Streams,
		Changed:       s.changed, Settled: s.shell.Settle, Now: time.Now, Version: c.Version, Log: c.Log,
	})
	return s, nil
}

// engineSettings are those by which the engine decides.
func engineSettings(c Config) engine.Settings {
	return engine.Settings{
		MaxUnreachable: c.MaxUnreachable,
		SetupGiveUp:    c.MaxSetupWait,
		Limits:         c.Limits,
		Configures:     c.Configuration != nil,
		BootProof:      c.BootProof,
		Proofs:         c.Proofs != nil,
		Workload:       c.WorkloadPolicy,
		Health:         c.HealthPolicy,
		Scripted:       c.Scripted,
		NoInventory:    c.Inventory == nil,
		NoPower:        c.Power == nil,
	}
}

// namesOf are the names that an inventory knows its nodes by, nil if it knows none.
func namesOf(inventory bos.InventorySource) bos.NodeNames {
	names, _ := inventory.(bos.NodeNames)
	return names
}

// Handler serves the API; it works whether or not Run does.
func (s *Service) Handler() http.Handler { return s.handler }

func (s *Service) changed(c api.Change) {
	s.shell.Changed(shell.Change{Components: c.Components, Records: c.Records, Sessions: c.Sessions, Inventory: c.Inventory, SitePause: c.SitePause, Paused: c.Paused})
}

// Written is told that another process has written to the database, from any goroutine,
// also before Run.
func (s *Service) Written() {
	s.shell.Written()
	select {
	case s.news <- struct{}{}:
	default: // it is said already
	}
}

// Freed is told that nobody has the lease of the database any more, from any goroutine,
// also before Run.
func (s *Service) Freed() { s.shell.Freed() }

// Hint takes note that the power of nodes may have changed: a notification of
// HSM or an event of a BMC, from any goroutine, also before Run.
func (s *Service) Hint(nodes ...string) { s.shell.Hint(nodes...) }

// Fetched takes note that a node was given its boot script, from any goroutine, also
// before Run.
func (s *Service) Fetched(f bos.ScriptFetch) { s.shell.Fetched(f) }

// Run drives the components until ctx ends. If another service holds the
// database it waits for that lease to run out, as it does after a kill, and
// fails if it is renewed instead. On the way out it waits for calls in flight
// and records their answers.
func (s *Service) Run(ctx context.Context) error {
	s.driving.runs.Store(true)
	if s.config.Shared {
		defer s.followLevel(ctx)()
	}
	return s.shell.Run(ctx)
}
