package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/peers"
	"github.com/bootorch/terraform-provider-bos/internal/service/bootscript"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
	"github.com/bootorch/terraform-provider-bos/internal/systemd"
)

const (
	defaultListen   = "127.0.0.1:8770"
	defaultDatabase = "bos.db"
	shutdownTime    = 10 * time.Second
	// maxHeader has room for the longest list of ids in a query, and for one
	// that is too long to be told so by the API.
	maxHeader = 4 << 20
	// maxNodeHeader is what a request for a boot script may have.
	maxNodeHeader = 16 << 10
	// The connections of clients, of nodes, and of one address on the network of
	// the nodes, which may be a router. With those to BMCs they fit below the
	// limit of open files that the unit sets.
	maxClients      = 16_384
	maxNodes        = 8_192
	maxNodesAddress = 256
	// maxClientsAddress is of one client; a gateway may stand for many.
	maxClientsAddress = 4096
	// maxConcurrent is of one connection by HTTP/2.
	maxConcurrent = 64
	// portsToRoom is from the API's port, 8770, to that of an emulated room
	// beside it, 8780.
	portsToRoom = 10
)

type serveFlags struct {
	config, listen, socket, database string
	names                            []string
	maxUnreachable                   time.Duration
	allowRemote                      bool
	hold                             bool
	auth                             string
	logFormat                        string
	emulate                          int
	room                             roomFlags
}

func newLog(c *cobra.Command) *slog.Logger {
	// The service narrows it by its option logging_level.
	return slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func serveCommand(version string) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use: "serve", Short: "Run the BOS service: v2 API and operators", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c, f, version) },
	}
	flags := c.Flags()
	flags.StringVar(&f.config, "config", os.Getenv("BOS_CONFIG"), "configuration file (BOS_CONFIG)")
	flags.StringVar(&f.listen, "listen", os.Getenv("BOS_LISTEN"), "address of the API (BOS_LISTEN; default "+defaultListen+")")
	flags.StringVar(&f.socket, "socket", os.Getenv("BOS_SOCKET"), "path of a Unix socket that serves the API as well, to this user and root, and to those of auth.peers (BOS_SOCKET)")
	flags.StringSliceVar(&f.names, "names", nil, "host names under which clients ask the API, besides its addresses and the machine's name (BOS_NAMES)")
	flags.StringVar(&f.database, "database", os.Getenv("BOS_DATABASE"), "database file, or postgres://user@host/database (BOS_DATABASE; default "+defaultDatabase+", a temporary one with --emulate)")
	flags.DurationVar(&f.maxUnreachable, "max-unreachable-time", 0, "how long a BMC may be silent while its peers answer before its nodes fail (default 10m)")
	flags.BoolVar(&f.allowRemote, "allow-remote", false, "serve on an address other than loopback without TLS: whoever is on the network reads the tokens")
	flags.StringVar(&f.auth, "auth", "", "who may ask: enforce (default), shadow (log who may not, and let pass) or off (anybody; on loopback only)")
	flags.BoolVar(&f.hold, "hold", false, "start with the site paused, as after a restore: nothing is sent to any node until POST /x/v1/resume")
	flags.StringVar(&f.logFormat, "log-format", os.Getenv("BOS_LOG_FORMAT"), "form of the log: json, text, or auto (default), which is text on a terminal and JSON elsewhere (BOS_LOG_FORMAT)")
	flags.IntVar(&f.emulate, "emulate", 0, "also emulate this many nodes and drive them")
	f.room.add(c)
	return c
}

// serve runs everything until the context ends.
func serve(c *cobra.Command, f serveFlags, version string) error {
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	log, err := logTo(c.ErrOrStderr(), f.logFormat)
	if err != nil {
		return err
	}
	// The clients of this machine, and the nodes that are emulated here, have a token
	// that each start draws anew.
	token := localtoken.New()
	f.room.token = func(string) string { return token }
	settings, room, err := settle(ctx, &f, log)
	if f.room.temporary != "" {
		defer os.RemoveAll(f.room.temporary) //nolint:errcheck // the process ends
	}
	if err != nil {
		return err
	}
	keepSmall()
	if room != nil {
		defer room.Close() //nolint:errcheck // the process ends
	}
	listener, err := listen(ctx, settings, f.allowRemote)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // closed by the server
	socket, err := listenSocket(ctx, settings.Socket)
	if err != nil {
		return err
	}
	if socket != nil {
		defer socket.Close() //nolint:errcheck // closed by the server
	}
	url := scheme(settings.TLS) + "://" + listener.Addr().String()
	a, err := assembly.New(ctx, settings, version, log)
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // everything is durable
	a.Admit(token)
	a.Leave(listener.Addr().String(), token)
	if room != nil {
		room.SetBOS(url)
	}
	if f.hold {
		if err := a.Hold(ctx, "started with serve --hold"); err != nil {
			return err
		}
	}
	nodes, reports, err := listenForNodes(ctx, settings)
	if err != nil {
		return err
	}
	r := newRunning()
	r.add(func() error { return a.Run(ctx) })
	clients := forClients(a.Driven()) // one, as its bounds are those of both
	r.serve(listener, clients)
	if socket != nil {
		r.serve(socket, clients)
	}
	if nodes != nil {
		r.serve(edge.Bound(nodes, maxNodes, maxNodesAddress), forNodes(a.Nodes()))
	}
	if reports != nil {
		r.serve(edge.Bound(reports, maxNodes, maxNodesAddress), forNodes(a.Reports()))
	}
	if room != nil && a.Nodes() != nil {
		room.SetBootScripts(url + bootscript.Prefixes[0])
	}
	if r.ready(ctx, a.Ready()) {
		systemd.Notify(systemd.Ready)
		defer signsOfLife(ctx, a.Live, log)()
		if _, err := fmt.Fprintf(c.OutOrStdout(), "BOS is ready at %s\n", url); err != nil {
			return err
		}
	}
	return r.wait(ctx, stop)
}

// running is what ends together: the servers and the operators.
type running struct {
	servers []*http.Server
	count   int
	ended   chan error
}

// maxRunning bounds what runs: operators, API, its socket, boot scripts and reports.
const maxRunning = 5

func newRunning() *running { return &running{ended: make(chan error, maxRunning)} }

func (r *running) add(run func() error) {
	r.count++
	go func() { r.ended <- run() }()
}

// forClients serves those of the API, on its address and on its socket. How slowly bodies
// come and answers are taken is bounded by its handler, which knows of streams.
func forClients(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxConcurrent},
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return peers.Context(edge.ConnContext(ctx, conn), conn)
		},
	}
}

// forNodes serves whoever is on the network of the nodes: small requests, quick
// answers, and nobody holds a connection.
func forNodes(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 30 * time.Second, MaxHeaderBytes: maxNodeHeader,
	}
}

func (r *running) serve(l net.Listener, server *http.Server) {
	r.servers = append(r.servers, server)
	r.add(func() error { return server.Serve(l) })
}

// ready waits until the service drives its database, and is false if something
// ended before.
func (r *running) ready(ctx context.Context, driving <-chan struct{}) bool {
	select {
	case <-driving:
		return true
	case <-ctx.Done():
	case err := <-r.ended:
		r.ended <- err // for wait, which counts
	}
	return false
}

// wait ends the servers first and the operators then.
func (r *running) wait(ctx context.Context, stop context.CancelFunc) error {
	var first error
	left := r.count
	select {
	case <-ctx.Done():
	case first = <-r.ended:
		left--
	}
	systemd.Notify(systemd.Stopping)
	stop()
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	for _, server := range r.servers {
		if err := server.Shutdown(shutdown); err != nil {
			first = errors.Join(first, server.Close())
		}
	}
	for range left {
		if err := <-r.ended; err != nil && !errors.Is(err, http.ErrServerClosed) {
			first = errors.Join(first, err)
		}
	}
	if errors.Is(first, http.ErrServerClosed) {
		return nil
	}
	return first
}

// settle brings flags, file and defaults together and starts the emulated room.
func settle(ctx context.Context, f *serveFlags, log *slog.Logger) (config.Config, *emulator.Server, error) {
	var settings config.Config
	var err error
	if f.config == "" {
		settings, err = config.FromEnvironment()
	} else {
		settings, err = config.Load(f.config)
	}
	if err != nil {
		return settings, nil, err
	}
	var room *emulator.Server
	if f.emulate > 0 || f.room.dump != "" {
		if room, err = startRoom(ctx, f, log, &settings); err != nil {
			return settings, nil, err
		}
	}
	settings.Listen = cmp.Or(f.listen, settings.Listen, defaultListen)
	settings.Socket = cmp.Or(f.socket, settings.Socket)
	if err := settings.SetDatabase(f.database, "--database"); err != nil {
		return settings, room, err
	}
	settings.Database = cmp.Or(settings.Database, defaultDatabase)
	if len(f.names) > 0 {
		settings.Names = f.names
	}
	settings.MaxUnreachable = cmp.Or(f.maxUnreachable, settings.MaxUnreachable)
	settings.Auth.Mode = cmp.Or(f.auth, settings.Auth.Mode)
	return settings, room, settings.Auth.Validate()
}

func startRoom(ctx context.Context, f *serveFlags, log *slog.Logger, settings *config.Config) (*emulator.Server, error) {
	dir := f.room.state
	if dir == "" {
		temp, err := os.MkdirTemp("", "bos")
		if err != nil {
			return nil, err
		}
		dir = temp
		f.room.state, f.room.temporary = temp, temp
	}
	address := roomAddress(cmp.Or(f.listen, settings.Listen, defaultListen))
	rc, err := f.room.config(f.emulate, address, log)
	if err != nil {
		return nil, err
	}
	rc.WithService = true
	room, err := emulator.Start(ctx, rc)
	if err != nil {
		return nil, fmt.Errorf("%w; the room of serve --emulate is %d ports after its --listen", err, portsToRoom)
	}
	file := filepath.Join(dir, "bos.yaml")
	if err := room.WriteConfig(file); err != nil {
		return nil, errors.Join(err, room.Close())
	}
	emulated, err := config.Load(file)
	if err != nil {
		return nil, errors.Join(err, room.Close())
	}
	emulated.Power.Limits, emulated.Report = settings.Power.Limits, settings.Report
	emulated.Names, emulated.Auth = settings.Names, settings.Auth
	emulated.Socket = settings.Socket
	emulated.Listen, emulated.MaxUnreachable = settings.Listen, settings.MaxUnreachable
	if settings.BootParameters.Builtin != nil {
		emulated.BootParameters = settings.BootParameters
	}
	emulated.Database = cmp.Or(settings.Database, filepath.Join(dir, defaultDatabase))
	*settings = emulated
	return room, nil
}

// roomAddress is where the emulated room listens: on the tenth port after that of
// the API, and on any where the API takes any, so that several can run at once.
func roomAddress(api string) string {
	_, text, err := net.SplitHostPort(api)
	port, notNumber := strconv.Atoi(text)
	switch {
	case err != nil || notNumber != nil: // the API says what is wrong with its address
		port = 0
	case port != 0:
		port += portsToRoom
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
