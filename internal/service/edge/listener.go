package edge

import (
	"net"
	"net/netip"
	"sync"
)

// Bound bounds the connections of a listener, in all and of one address: one who
// opens many shall leave some to the others, and file descriptors to BMCs. What
// comes beyond is closed at once. Loopback addresses, behind which a proxy may
// stand for everybody, count in all only. 0 is no bound.
func Bound(l net.Listener, all, perAddress int) net.Listener {
	return &bounded{Listener: l, all: all, perAddress: perAddress, of: make(map[netip.Addr]int)}
}

type bounded struct {
	net.Listener
	all, perAddress int

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
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { b.leave(from) })}, nil
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

type counted struct {
	net.Conn
	leave func()
}

// NetConn is the connection itself.
func (c *counted) NetConn() net.Conn { return c.Conn }

// Close makes room for another.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
