package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
)

// maxUnread is how much of all connections together may have come that no request has
// taken: headers that are long and not complete.
const maxUnread = 64 << 20

var errUnread = errors.New("others have sent as much of long headers as is taken at the same time")

// Bound bounds the connections of a listener, in all and of one address: one who
// opens many shall leave some to the others, and file descriptors to BMCs. What
// comes beyond is closed at once. Loopback addresses, behind which a proxy may
// stand for everybody, count in all only. 0 is no bound.
func Bound(l net.Listener, all, perAddress int) net.Listener {
	return &bounded{Listener: l, all: all, perAddress: perAddress, of: make(map[netip.Addr]int), unread: budget{most: maxUnread}}
}

type bounded struct {
	net.Listener
	all, perAddress int
	unread          budget

	mu    sync.Mutex
	count int
	of    map[netip.Addr]int
}

// Accept waits for a connection that is within the bounds.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(conn)
		if b.take(from) {
			return &counted{Conn: conn, unread: &b.unread, leave: sync.OnceFunc(func() { b.leave(from) })}, nil
		}
		_ = conn.Close() // nothing was said yet
	}
}

func (b *bounded) take(from netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all > 0 && b.count >= b.all || b.perAddress > 0 && !from.IsLoopback() && b.of[from] >= b.perAddress {
		return false
	}
	b.count++
	b.of[from]++
	return true
}

func (b *bounded) leave(from netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count--
	if b.of[from]--; b.of[from] == 0 {
		delete(b.of, from)
	}
}

func addressOf(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// counted is a connection within the bounds. What has come of it and was not taken by
// a request yet, beyond freeHeader, has its place among that of all.
type counted struct {
	net.Conn
	leave  func()
	unread *budget

	mu         sync.Mutex
	come, held int64
}

// Read fails where headers are long, and those of others too.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.come += int64(n)
	if over := c.come - freeHeader - c.held; over > 0 {
		if !c.unread.take(over) {
			return 0, errUnread
		}
		c.held += over
	}
	return n, err
}

// taken says that a request has what has come so far.
func (c *counted) taken() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unread.give(c.held)
	c.come, c.held = 0, 0
}

// NetConn is the connection itself.
func (c *counted) NetConn() net.Conn { return c.Conn }

// Close makes room for another.
func (c *counted) Close() error {
	defer c.leave()
	defer c.taken()
	return c.Conn.Close()
}

type connKey struct{}

// ConnContext is the hook of an http.Server on a bounded listener: requests take what has come of
// their connections.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return context.WithValue(ctx, connKey{}, conn)
}

// connOf is the connection that a request came by; nil if it is not bounded.
func connOf(ctx context.Context) *counted {
	c, _ := ctx.Value(connKey{}).(*counted)
	return c
}
