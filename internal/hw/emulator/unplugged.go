package emulator

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
)

// Unplugged makes a room without sockets: its services and BMCs are reached
// through Dial alone. It has no timers either, so that tests can run it in
// virtual time: whoever wants its nodes to report advances the Room. Listen is
// what Endpoints says, and nobody listens there.
func Unplugged(c ServerConfig) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: c, stop: func() {}}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.removeTemporary())
	}
	s.state.assign(s.room.BMCs())
	s.addresses = addresses{of: make(map[string]string), at: make(map[string]string)}
	for _, bmc := range s.room.BMCs() {
		s.addresses.put(bmc, net.JoinHostPort(slotIP(s.state.Slots[bmc]), strconv.Itoa(unpluggedPort)))
	}
	services := newPipes(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: unpluggedPort - 1})
	s.plain, s.bmcPipes = services, newPipes(nil)
	s.serveBMCs(s.newServer(s.bmcs), s.bmcPipes)
	s.run(s.newServer(s.services.Handler()), services)
	return s, nil
}

// unpluggedPort is that of every BMC without a socket; the services have the
// one before.
const unpluggedPort = 8781

// Dial connects to an unplugged room: to a BMC at its address, to the services
// at any other.
func (s *Server) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	services, ok := s.plain.(*pipes)
	if !ok {
		return nil, errors.New("this room has sockets; dial those")
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	to, at := services, services.address
	if _, ok := s.addresses.at[address]; ok {
		bmc, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, err
		}
		to, at = s.bmcPipes, net.TCPAddrFromAddrPort(bmc)
	}
	return to.dial(ctx, at)
}

// pipes is a listener whose connections are made in this process.
type pipes struct {
	address *net.TCPAddr
	conns   chan net.Conn
	closed  chan struct{}
}

func newPipes(address *net.TCPAddr) *pipes {
	return &pipes{address, make(chan net.Conn), make(chan struct{})}
}

// pipe is the server's end of a connection, which knows who was called.
type pipe struct {
	net.Conn
	local *net.TCPAddr
}

func (p pipe) LocalAddr() net.Addr  { return p.local }
func (p pipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (l *pipes) dial(ctx context.Context, at *net.TCPAddr) (net.Conn, error) {
	mine, theirs := net.Pipe()
	select {
	case l.conns <- pipe{theirs, at}:
		return mine, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept returns the next connection.
func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and every dial.
func (l *pipes) Close() error { close(l.closed); return nil }

// Addr is where the services say that they are.
func (l *pipes) Addr() net.Addr {
	if l.address == nil {
		return &net.TCPAddr{}
	}
	return l.address
}
