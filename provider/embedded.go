package provider

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// statusSuspended is the status of a session of the embedded service that is
// not over: nobody acts on its nodes until the next apply.
const statusSuspended = "suspended"

const (
	embeddedListen   = "127.0.0.1:0"
	embeddedDatabase = "bos.db"
)

// embedded is the bundled service inside the provider. Its API answers from
// Configure on; its operators act on nodes only while somebody drives them.
type embedded struct {
	assembly *assembly.Assembly

	mu      sync.Mutex
	drivers int
	stop    context.CancelFunc
	// ended is closed when the operators have stopped; failed is why they
	// did by themselves.
	ended  chan struct{}
	failed error
}

// embed starts the service and points the settings at it.
func (p *bosProvider) embed(ctx context.Context, s *shared, m providerModel, settings *client.Config, diags *diag.Diagnostics) {
	var given embeddedModel
	diags.Append(m.Embedded.As(ctx, &given, basetypes.ObjectAsOptions{})...)
	if diags.HasError() {
		return
	}
	// It lives as long as the provider's process, which is one walk of
	// Terraform, and not as long as this call.
	alive := context.WithoutCancel(ctx)
	e, address, token, err := startEmbedded(alive, given, p.version)
	if err != nil {
		diags.AddAttributeError(path.Root("embedded"), "Unable to start the embedded BOS", capital(err.Error())+".")
		return
	}
	s.embedded = e
	settings.Endpoint, settings.Token = "http://"+address, token
}

// errShared is of a database that services share: one of them may be this process next, with
// settings of its own, and only for as long as an apply takes.
var errShared = errors.New("its database is a PostgreSQL, which services share, and an embedded service would take turns with them in driving the same nodes, " +
	"by settings of its own; give the URL of a service that runs on it as endpoint instead of embedded, or a file as database, in its settings too")

// startEmbedded makes a service that listens, with the token that its one client
// needs: other users of this machine reach the port as well.
func startEmbedded(ctx context.Context, given embeddedModel, version string) (e *embedded, address, token string, err error) {
	load, source := assembly.Load, given.Config
	if !given.Settings.IsNull() {
		load, source = assembly.Parse, given.Settings
	}
	config, err := load(source.ValueString())
	if err != nil {
		return nil, "", "", err
	}
	shared := config.Shared()
	config.Database = cmp.Or(given.Database.ValueString(), config.Database, embeddedDatabase)
	if shared || config.Shared() {
		return nil, "", "", errShared
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", cmp.Or(config.Listen, embeddedListen))
	if err != nil {
		return nil, "", "", errors.Join(err, errors.New("if a BOS runs there, give its URL as endpoint instead of embedded"))
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return nil, "", "", errors.Join(errors.New("listen in its configuration is not a loopback address, and an embedded service is for this machine alone; run "+
			"serve for others"), listener.Close())
	}
	a, err := assembly.New(ctx, config, version, slog.New(logHandler{ctx: ctx}))
	if err != nil {
		return nil, "", "", errors.Join(err, listener.Close())
	}
	// A BOS of 10,000 nodes makes garbage for minutes: what Serve sets would let
	// nine times its records pile up.
	debug.SetGCPercent(100)
	token = a.AdmitMachine(config.Listen, listener.Addr().String())
	server := &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); err != nil {
			tflog.Error(ctx, "the embedded BOS no longer answers", map[string]any{"error": err.Error()})
		}
	}()
	return &embedded{assembly: a}, listener.Addr().String(), token, nil
}

// drive makes the operators act until the returned function is called; of
// several drivers the last one ends it, and waits until calls in flight are
// answered. A nil embedded, that is a service of its own, needs no driver.
func (e *embedded) drive(ctx context.Context) (release func()) {
	if e == nil {
		return func() {}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.drivers++
	if e.drivers == 1 {
		e.start(context.WithoutCancel(ctx))
	}
	return sync.OnceFunc(e.release)
}

func (e *embedded) start(ctx context.Context) {
	ctx, e.stop = context.WithCancel(ctx)
	before, ended := e.ended, make(chan struct{})
	e.ended, e.failed = ended, nil
	go func() {
		defer close(ended)
		if before != nil {
			<-before // two at a time would act twice
		}
		err := e.assembly.Run(ctx)
		if err != nil {
			tflog.Error(ctx, "the operators of the embedded BOS stopped", map[string]any{"error": err.Error()})
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.failed = err
	}()
}

func (e *embedded) release() {
	e.mu.Lock()
	e.drivers--
	last, ended := e.drivers == 0, e.ended
	if last {
		e.stop()
	}
	e.mu.Unlock()
	if last {
		<-ended
	}
}

// trouble is why the operators stopped by themselves, nil if they did not.
func (e *embedded) trouble() error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failed
}

// logHandler writes what the service logs to Terraform's log.
type logHandler struct {
	ctx   context.Context //nolint:containedctx // the log lives in it
	attrs []slog.Attr
}

// Enabled leaves the level to Terraform.
func (logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes one record.
func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	fields := map[string]any{}
	for _, a := range h.attrs {
		fields[a.Key] = a.Value.String()
	}
	r.Attrs(func(a slog.Attr) bool {
		fields[a.Key] = a.Value.String()
		return true
	})
	write := tflog.Debug
	switch {
	case r.Level >= slog.LevelError:
		write = tflog.Error
	case r.Level >= slog.LevelWarn:
		write = tflog.Warn
	case r.Level >= slog.LevelInfo:
		write = tflog.Info
	}
	write(h.ctx, r.Message, fields)
	return nil
}

// WithAttrs adds fields to each record.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return h
}

// WithGroup keeps fields flat: Terraform's log has no groups.
func (h logHandler) WithGroup(string) slog.Handler { return h }
