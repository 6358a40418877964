package postgrestest

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
)

// Link is the network between one process and a server, which can be cut.
type Link struct {
	listener net.Listener
	mu       sync.Mutex
	to       *Server
	// passing is closed while what is sent passes.
	passing chan struct{}
	ends    map[net.Conn]bool
	refuses bool
}

// Connect makes a link to a server.
func Connect(to *Server) (*Link, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{listener: listener, to: to, passing: make(chan struct{}), ends: make(map[net.Conn]bool)}
	close(l.passing)
	go l.accept()
	return l, nil
}

func (l *Link) accept() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return // it is closed
		}
		go l.join(conn)
	}
}

// join connects a client.
func (l *Link) join(client net.Conn) {
	<-l.gate()
	l.mu.Lock()
	to, refuses := l.to, l.refuses
	l.mu.Unlock()
	var server net.Conn
	var err error
	if !refuses && to != nil {
		var d net.Dialer
		network, at := "unix", filepath.Join(to.dir, ".s.PGSQL.5432")
		if to.listen != "" {
			network, at = "tcp", net.JoinHostPort(to.listen, "5432")
		}
		server, err = d.DialContext(context.Background(), network, at)
	}
	if server == nil || err != nil || !l.keep(client, server) {
		_ = reset(client) // it is told so by that
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() { l.pass(way[0], way[1]) })
	}
	both.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, client)
	delete(l.ends, server)
}

func (l *Link) keep(ends ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses {
		return false
	}
	for _, c := range ends {
		l.ends[c] = true
	}
	return true
}

// gate is closed while what is sent passes.
func (l *Link) gate() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.passing
}

// pass passes on what comes from one end, also its end.
func (l *Link) pass(from, to net.Conn) {
	const some = 64 << 10
	buffer := make([]byte, some)
	for {
		n, err := from.Read(buffer)
		<-l.gate()
		if n > 0 {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				err = failed
			}
		}
		if err != nil {
			_ = to.Close()
			_ = from.Close()
			return
		}
	}
}

// reset ends a connection by RST.
func reset(c net.Conn) error {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it ends in an orderly way
	}
	return c.Close()
}

// Silence lets nothing pass any more, and tells nobody: connections stay, and are made. What
// was sent meanwhile arrives when the link is mended.
func (l *Link) Silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passing = make(chan struct{})
}

// Cut resets all connections, and those that are tried.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = true
	for c := range l.ends {
		_ = reset(c) // it ends
	}
}

// Mend lets all pass again.
func (l *Link) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = false
	select {
	case <-l.passing:
	default:
		close(l.passing)
	}
}

// Lead leads new connections to another server, nil to nobody.
func (l *Link) Lead(to *Server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = to
}

// Close ends it.
func (l *Link) Close() error {
	err := l.listener.Close()
	l.Cut()
	l.Mend()
	return err
}

var _ io.Closer = (*Link)(nil)

// Through is a connection string of a server as one by links, in their order, without TLS.
func Through(dsn string, links ...*Link) (string, error) {
	return ThroughBy(dsn, url.Values{"sslmode": {"disable"}}, links...)
}

// ThroughBy is one with parameters.
func ThroughBy(dsn string, parameters url.Values, links ...*Link) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	var hosts []string
	for _, l := range links {
		hosts = append(hosts, l.listener.Addr().String())
	}
	q := u.Query()
	q.Del("host")
	for name, values := range parameters {
		q[name] = values
	}
	u.Host, u.RawQuery = strings.Join(hosts, ","), q.Encode()
	return u.String(), nil
}
