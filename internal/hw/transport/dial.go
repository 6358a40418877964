package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// strayError says that an address is none that connections may lead to.
type strayError struct{ address string }

func (e *strayError) Error() string {
	return fmt.Sprintf("nothing is sent to the address %s, which is in none of the networks that are allowed", e.address)
}

// dialer makes connections below TLS.
func (c ConnConfig) dialer(timeout time.Duration) dialFunc {
	plain := &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
	if len(c.Networks) > 0 {
		plain.Control = func(_, address string, _ syscall.RawConn) error { return c.admits(address) }
	}
	dial := plain.DialContext
	if c.Dial != nil {
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if err := c.admits(address); err != nil {
				return nil, err
			}
			return c.Dial(ctx, network, address)
		}
	}
	if c.LastAddress && c.Dial == nil {
		dial = (&lastAddresses{dial: dial}).connect
	}
	if c.Resolve == nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		var unresolved *net.DNSError
		if !errors.As(err, &unresolved) {
			return conn, err
		}
		host, port, _ := net.SplitHostPort(address)
		if ip, ok := c.Resolve(ctx, host); ok {
			return dial(ctx, network, net.JoinHostPort(ip.String(), port))
		}
		return nil, err
	}
}

// admits reports whether a connection may lead to an address. A name is let pass: it
// is not what is dialled.
func (c ConnConfig) admits(address string) error {
	at, err := netip.ParseAddrPort(address)
	if len(c.Networks) == 0 || err != nil {
		return nil //nolint:nilerr // a name
	}
	ip := at.Addr().Unmap().WithZone("")
	for _, network := range c.Networks {
		if network.Contains(ip) {
			return nil
		}
	}
	return &strayError{ip.String()}
}
