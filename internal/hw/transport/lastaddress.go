package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
)

// maxLast bounds the addresses that are kept.
const maxLast = 50_000

// lastAddresses are those that hosts had when they were connected to last. While the
// name servers give no answer they stand in for one: an outage of DNS is none of the BMCs.
// That there is no such name is an answer.
type lastAddresses struct {
	dial dialFunc

	mu sync.Mutex
	of map[string]netip.Addr
}

func (l *lastAddresses) connect(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dial(ctx, network, address)
	host, port, wrong := net.SplitHostPort(address)
	if _, ip := netip.ParseAddr(host); wrong != nil || ip == nil {
		return conn, err // it is an address
	}
	if err == nil {
		l.keep(host, conn.RemoteAddr())
		return conn, nil
	}
	var unanswered *net.DNSError
	if !errors.As(err, &unanswered) || unanswered.IsNotFound || ctx.Err() != nil {
		return nil, err
	}
	l.mu.Lock()
	last, ok := l.of[host]
	l.mu.Unlock()
	if !ok {
		return nil, err
	}
	return l.dial(ctx, network, net.JoinHostPort(last.String(), port))
}

func (l *lastAddresses) keep(host string, at net.Addr) {
	tcp, ok := at.(*net.TCPAddr)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil || len(l.of) >= maxLast {
		l.of = make(map[string]netip.Addr)
	}
	l.of[host] = tcp.AddrPort().Addr().Unmap()
}
