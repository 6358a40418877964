// Package assembly puts a BOS together from its settings: the adapters that
// they name, the database, and the service over both. Whoever runs one, the
// command serve or a Terraform run, gets it here; how it is reached and how
// long it lives is theirs.
package assembly

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/bootscript"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
	"github.com/bootorch/terraform-provider-bos/internal/service/health"
	"github.com/bootorch/terraform-provider-bos/internal/service/metrics"
	"github.com/bootorch/terraform-provider-bos/internal/service/reports"
	"github.com/bootorch/terraform-provider-bos/internal/service/ui"
)

// Assembly is a BOS of which nothing runs yet.
type Assembly struct {
	store   database
	service *service.Service
	power   any                  // what controls power; nil where nothing does
	scripts *bootscript.Endpoint // nil where there is none
	reports *reports.Reports
	page    *ui.Page
	// notifiers tell of nodes that may have changed.
	notifiers []notifier
	// names are the host names under which this service is asked.
	names []string
	auth  access.Authenticator
	// left removes the token that was left for the clients of this machine; nil if none
	// was.
	left    func() error
	log     *slog.Logger
	metrics *metrics.Metrics
	// requests says that each request has a line in the log.
	requests bool
}

// Load reads settings from a file.
func Load(path string) (config.Config, error) { return config.Load(path) }

// Parse reads settings from what a file would hold.
func Parse(text string) (config.Config, error) { return config.Parse("settings", text) }

// New opens the database and makes the adapters. Streams of events end when ctx
// does.
func New(ctx context.Context, settings config.Config, version string, log *slog.Logger) (*Assembly, error) {
	counted := metrics.New(version)
	store, err := openDatabase(ctx, settings, log, counted)
	if err != nil {
		return nil, err
	}
	counted.WatchQueue(func() metrics.Queue {
		return metrics.Queue{Length: store.Queue(), Newest: store.Newest(), Writes: store.Trouble() == nil}
	})
	a := &Assembly{store: store, log: log, metrics: counted}
	if err := a.assemble(ctx, settings, version, log); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return a, nil
}

func (a *Assembly) assemble(ctx context.Context, settings config.Config, version string, log *slog.Logger) error {
	sc, err := wire(settings, a.store.Options, log, a.metrics)
	if err != nil {
		return err
	}
	if a.page, err = ui.New(); err != nil {
		return err
	}
	a.power = sc.Power
	nodes := namesOf(sc.Inventory, log)
	fetched := func(f bos.ScriptFetch) { a.service.Fetched(f) }
	if a.scripts, err = wireBuiltin(settings, a.store, nodes, fetched, log); err != nil {
		return err
	}
	if a.scripts != nil {
		sc.Boot, sc.Scripted = a.scripts, true
	}
	if sc.BootProof, err = settings.Report.Proof(); err != nil {
		return err
	}
	sc.Proofs = wireProofs(sc.Inventory, nodes)
	sc.Secrets = func() []string { return append(settings.Unreadable(), unreadTokens(settings.Auth)...) }
	sc.Metrics, a.requests = a.metrics, settings.Log.Requests != config.RequestsOff
	sc.Store, sc.Stopping, sc.Version, sc.Log = a.store, ctx.Done(), version, log
	others, shared := a.store.(follower)
	sc.Shared = shared
	if a.service, err = service.New(sc); err != nil {
		return err
	}
	if shared {
		others.Follow(a.service.Written, a.service.Freed)
	}
	a.wireReports(settings, nodes)
	a.notifiers = notifiers(settings, sc.Inventory, sc.Power)
	a.names = names(settings)
	a.auth, err = authenticator(settings.Auth, log)
	if settings.Metrics.Loopback {
		a.auth.Connections = append(a.auth.Connections, access.LocalScraper{})
	}
	return err
}

// routes are the API, and what is served beside it.
func (a *Assembly) routes() http.Handler {
	h := withNotifiers(a.service.Handler(), a.notifiers, a.service.Hint)
	if a.scripts != nil {
		h = withScripts(h, a.scripts)
	}
	return a.page.Handler(h)
}

// Handler serves the API, and the boot scripts where they are built in, to whom
// the edge lets in, by what they may do. Writes are taken whether or not Run does:
// they are carried out by whoever runs next.
func (a *Assembly) Handler() http.Handler {
	return a.front(nil)
}

// Driven is Handler for a service that runs all the time: what it acknowledges it
// carries out, so nothing may be written before it drives the database, and
// nothing afterwards.
func (a *Assembly) Driven() http.Handler {
	return a.front(a.service.Driving)
}

// quiet routes are asked all the time by programs, and not worth a line each.
var quiet = map[string]bool{"/livez": true, "/readyz": true, "/v2/healthz": true, access.MetricsPath: true}

// accessLog writes a line for each request, as far as the option logging_level lets it.
func (a *Assembly) accessLog() edge.AccessLog {
	made := edge.AccessLog{Count: a.metrics.Request, Prefixes: append([]string{"/ui/"}, bootscript.Prefixes...), Quiet: quiet}
	if a.requests {
		made.Log = a.service.Log()
	}
	return made
}

// nodesLog is that of the network of the nodes: what was refused, and what took long.
func (a *Assembly) nodesLog() edge.AccessLog {
	made := a.accessLog()
	made.Sparing = true
	return made
}

// front is what a request passes, outermost first: the log of requests, whether there is room for it,
// whether it may come in, who sent it.
func (a *Assembly) front(writable func() error) http.Handler {
	return a.accessLog().Handler(edge.Load{}.Handler(edge.Gate{Names: a.names, Log: a.log, Writable: writable}.Handler(a.auth.Handler(a.routes()))))
}

// Ready is closed once Run drives the database.
func (a *Assembly) Ready() <-chan struct{} { return a.service.Ready() }

// Live is whether it works at all; where it does not, a restart may help.
func (a *Assembly) Live() health.Report { return a.service.Live() }

// names are those that the settings have for this service: its own, and those
// under which others were told to reach it.
func names(settings config.Config) []string {
	all := slices.Clone(settings.Names)
	if host, _, err := net.SplitHostPort(settings.Listen); err == nil && host != "" {
		all = append(all, host)
	}
	reached := []string{settings.Inventory.Notifications, settings.Report.URL, settings.PublicURL}
	if settings.Power.Redfish != nil {
		reached = append(reached, settings.Power.Redfish.Events)
	}
	if settings.BootParameters.Builtin != nil {
		reached = append(reached, settings.BootParameters.Builtin.URL)
	}
	for _, text := range reached {
		if u, err := url.Parse(text); err == nil && u.Hostname() != "" {
			all = append(all, u.Hostname())
		}
	}
	return all
}

// Hold pauses the site before anything runs, unless it is paused already: with a
// database that was restored or copied, nobody knows what is still wanted.
func (a *Assembly) Hold(ctx context.Context, reason string) error {
	return a.store.Hold(ctx, reason, time.Now())
}

// Run drives the operators until ctx ends. The API works without.
func (a *Assembly) Run(ctx context.Context) error {
	if pause, err := a.store.SitePause(ctx); err == nil && pause.On() {
		a.log.Warn("the site is paused: nothing is sent to any node until POST /x/v1/resume", "reason", pause.Reason, "actor", pause.Actor, "since", pause.Since)
	}
	_, shared := a.store.(follower)
	defer keep(ctx, a.notifiers, shared, a.log)()
	return a.service.Run(ctx)
}

// Close closes the database, and the sessions and subscriptions at BMCs.
func (a *Assembly) Close() error {
	if bmcs, ok := a.power.(*redfish.Client); ok {
		bmcs.Close()
	}
	if a.left != nil {
		if err := a.left(); err != nil {
			a.log.Debug("the token of this machine could not be removed", "cause", err)
		}
	}
	return a.store.Close()
}
