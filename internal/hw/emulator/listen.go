package emulator

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	defaultListen     = "127.0.0.1:8780"
	maxPort           = 65_535
	readHeaderTimeout = 10 * time.Second
	// idleTimeout is longer than that of the service, so that it is the
	// service that closes idle connections.
	idleTimeout = 6 * time.Minute
)

// addresses say where BMCs listen: IP and port.
type addresses struct {
	of map[string]string // BMC -> host:port
	at map[string]string // host:port -> BMC
}

// loopbackAddress splits an address to listen on and refuses all that other
// machines could reach.
func loopbackAddress(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 0 || port >= maxPort {
		return "", 0, fmt.Errorf("the emulator cannot listen on %q; use an address such as %s", listen, defaultListen)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", 0, fmt.Errorf("the emulator listens on loopback addresses only, as its passwords are known to all, and %q is none; use an address such as %s", listen, defaultListen)
	}
	return host, port, nil
}

// slotIP is the loopback address with a number, from 127.1.0.2 on.
func slotIP(slot int) string {
	return fmt.Sprintf("127.%d.%d.%d", 1+slot/62_500, slot/250%250, slot%250+2)
}

// assign numbers the BMCs that have no address yet, in their order.
func (s *state) assign(bmcs []string) {
	next := 0
	for _, slot := range s.Slots {
		next = max(next, slot+1)
	}
	for _, bmc := range bmcs {
		if _, ok := s.Slots[bmc]; !ok {
			s.Slots[bmc] = next
			next++
		}
	}
}

// listen opens all listeners: one for the services, one for all BMCs on the
// port after it, or one per BMC where loopback has a single address.
func (s *Server) listen(ctx context.Context) error {
	host, port, err := loopbackAddress(cmp.Or(s.config.Listen, defaultListen))
	if err != nil {
		return err
	}
	fixed := port != 0
	plain, err := open(ctx, "tcp", host, cmp.Or(port, s.state.Port), fixed)
	if err != nil {
		return fmt.Errorf("the emulator cannot listen: %w; choose another --listen", err)
	}
	s.plain = plain
	s.reporter.store = plain.Addr().String() // before it runs
	s.state.Port = portOf(plain)
	s.state.assign(s.room.BMCs())
	s.addresses = addresses{of: make(map[string]string), at: make(map[string]string)}
	bmcs := s.newServer(s.bmcs)
	if !s.config.portPerBMC && manyLoopbacks(ctx) {
		err = s.listenWildcard(ctx, bmcs, port)
	} else {
		err = s.listenPorts(ctx, bmcs, host, port)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the emulated BMCs cannot listen: %w; choose another --listen, they use the ports after it", err), plain.Close())
	}
	s.run(s.newServer(s.services.Handler()), plain)
	return nil
}

// manyLoopbacks tells whether all of 127.0.0.0/8 is this machine, as on Linux.
func manyLoopbacks(ctx context.Context) bool {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", "127.0.0.2:0")
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func (s *Server) listenWildcard(ctx context.Context, bmcs *http.Server, port int) error {
	if port != 0 {
		s.state.BMCPort = port + 1
	}
	l, err := openOnLoopback(ctx, s.state.BMCPort, port != 0)
	if err != nil {
		return err
	}
	s.state.BMCPort = portOf(l)
	for _, bmc := range s.room.BMCs() {
		s.addresses.put(bmc, net.JoinHostPort(slotIP(s.state.Slots[bmc]), strconv.Itoa(s.state.BMCPort)))
	}
	s.serveBMCs(bmcs, l)
	return nil
}

func (s *Server) listenPorts(ctx context.Context, bmcs *http.Server, host string, port int) error {
	opened := make([]net.Listener, 0, len(s.room.BMCs()))
	for _, bmc := range s.room.BMCs() {
		own := 0
		if port != 0 {
			own = port + 1 + s.state.Slots[bmc]
		}
		l, err := open(ctx, "tcp", host, own, port != 0)
		if err != nil {
			for _, l := range opened {
				err = errors.Join(err, l.Close())
			}
			return err
		}
		opened = append(opened, l)
		s.addresses.put(bmc, l.Addr().String())
	}
	for _, l := range opened {
		s.serveBMCs(bmcs, l)
	}
	return nil
}

func (a addresses) put(bmc, address string) { a.of[bmc], a.at[address] = address, bmc }

// open listens on a port, or on any other where that is taken and not fixed.
func open(ctx context.Context, network, host string, port int, fixed bool) (net.Listener, error) {
	return openWith(ctx, net.ListenConfig{}, network, host, port, fixed)
}

// openOnLoopback is open for all addresses of loopback.
func openOnLoopback(ctx context.Context, port int, fixed bool) (net.Listener, error) {
	return openWith(ctx, net.ListenConfig{Control: onLoopbackOnly}, "tcp4", "0.0.0.0", port, fixed)
}

func openWith(ctx context.Context, lc net.ListenConfig, network, host string, port int, fixed bool) (net.Listener, error) {
	if port > maxPort {
		return nil, fmt.Errorf("port %d is above %d", port, maxPort)
	}
	l, err := lc.Listen(ctx, network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil && !fixed && port != 0 {
		l, err = lc.Listen(ctx, network, net.JoinHostPort(host, "0"))
	}
	return l, err
}

func portOf(l net.Listener) int {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

func (s *Server) newServer(h http.Handler) *http.Server {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	s.servers = append(s.servers, server)
	return server
}

func (s *Server) serveBMCs(server *http.Server, l net.Listener) {
	guarded := &loopbackListener{Listener: l, known: func(address string) (silent, known bool) {
		bmc, known := s.addresses.at[address]
		return known && s.room.SilentAt(bmc, time.Now()), known
	}}
	s.run(server, &secured{Listener: guarded, ordinary: s.ordinaryTLS(), of: s.tlsOf})
}

func (s *Server) run(server *http.Server, l net.Listener) {
	s.running.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.config.Log.Error("the emulator stopped listening", "address", l.Addr().String(), "error", err)
		}
	})
}

// maxHeld bounds the connections to silent BMCs that are kept waiting; with
// more, those that have waited longest are closed.
const maxHeld = 1024

// loopbackListener accepts connections from this machine to known addresses,
// and keeps those to silent BMCs open without a word, not even a handshake.
type loopbackListener struct {
	net.Listener
	known func(address string) (silent, known bool)

	mu     sync.Mutex
	held   list.List
	closed bool
}

// Accept returns the next connection to a BMC that answers.
func (l *loopbackListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		local, ok1 := conn.LocalAddr().(*net.TCPAddr)
		remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
		if !ok1 || !ok2 || !local.IP.IsLoopback() || !remote.IP.IsLoopback() {
			_ = conn.Close() // nobody is there to hear of an error
			continue
		}
		silent, known := l.known(local.String())
		switch {
		case !known:
			_ = conn.Close() // nobody is there to hear of an error
		case silent:
			l.hold(conn)
		default:
			return conn, nil
		}
	}
}

// hold keeps a connection until its client gives up.
func (l *loopbackListener) hold(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = conn.Close() // nobody is there to hear of an error
		return
	}
	if l.held.Len() == maxHeld {
		l.let(l.held.Front())
	}
	place := l.held.PushBack(conn)
	go func() {
		_, _ = io.Copy(io.Discard, conn) // ends when either side closes
		l.mu.Lock()
		defer l.mu.Unlock()
		l.let(place)
	}()
}

// let lets a connection go; a second time does nothing.
func (l *loopbackListener) let(place *list.Element) {
	if conn, ok := place.Value.(net.Conn); ok {
		_ = conn.Close() // nobody is there to hear of an error
		place.Value = nil
		l.held.Remove(place)
	}
}

// Close ends the listener and the connections kept waiting.
func (l *loopbackListener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for l.held.Len() > 0 {
		l.let(l.held.Front())
	}
	return err
}
