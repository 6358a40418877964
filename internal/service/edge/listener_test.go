package edge

import (
	"errors"
	"net"
	"testing"
)

// conns is a listener to which a test connects from any address.
type conns struct{ come chan net.Conn }

func (c conns) Accept() (net.Conn, error) {
	conn, ok := <-c.come
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (conns) Close() error   { return nil }
func (conns) Addr() net.Addr { return nil }

type from struct {
	net.Conn
	ip     string
	closed *int
}

func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(f.ip), Port: 1} }
func (f from) Close() error         { *f.closed++; return nil }

func TestOneAddressLeavesConnectionsToTheOthers(t *testing.T) {
	in := conns{make(chan net.Conn, 16)}
	l := Bound(in, 6, 2)
	closed := 0
	connect := func(ip string) { in.come <- from{ip: ip, closed: &closed} }
	accepted := func() net.Conn {
		t.Helper()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	// Of three of one address the last is closed, also where it is written as one
	// of the other family; a proxy on the machine itself may have more.
	for _, ip := range []string{"10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"} {
		connect(ip)
	}
	var held []net.Conn
	for range 5 {
		held = append(held, accepted())
	}
	if closed != 1 {
		t.Errorf("%d were turned away, want 1", closed)
	}
	connect("10.0.0.2")
	held = append(held, accepted())
	// The sixth was the last in all. Closing one, more than once too, makes room for one.
	connect("10.0.0.3")
	connect("10.0.0.3")
	close(in.come)
	_ = held[0].Close()
	_ = held[0].Close()
	if _, err := l.Accept(); err != nil {
		t.Errorf("there was no room again: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the end of the listener is %v", err)
	}
	if closed != 4 {
		t.Errorf("%d were closed, want one of an address too many, one held twice, and one too many in all", closed)
	}
}
