package transport

import (
	"context"
	"errors"
	"net"
	"testing"
)

type connTo struct {
	net.Conn
	ip string
}

func (c connTo) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(c.ip), Port: 443} }

func TestAnOutageOfNameServersIsNoneOfTheServersWhoseAddressIsKnown(t *testing.T) {
	var dialled []string
	var failing error
	l := &lastAddresses{dial: func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		host, _, _ := net.SplitHostPort(address)
		if failing != nil && net.ParseIP(host) == nil {
			return nil, failing
		}
		return connTo{ip: "10.2.0.7"}, nil
	}}
	away := &net.OpError{Op: "dial", Err: &net.DNSError{Name: "bmc7", Err: "server misbehaving", IsTemporary: true}}
	failing = away
	if _, err := l.connect(t.Context(), "tcp", "bmc7:443"); !errors.Is(err, away) {
		t.Errorf("a host that was never connected to: %v", err)
	}
	failing = nil
	if _, err := l.connect(t.Context(), "tcp", "bmc7:443"); err != nil {
		t.Fatal(err)
	}
	failing, dialled = away, nil
	if _, err := l.connect(t.Context(), "tcp", "bmc7:443"); err != nil || len(dialled) != 2 || dialled[1] != "10.2.0.7:443" {
		t.Errorf("dialled %q: %v", dialled, err)
	}
	if _, err := l.connect(t.Context(), "tcp", "bmc8:443"); !errors.Is(err, away) {
		t.Errorf("another host: %v", err)
	}
	gone := &net.OpError{Op: "dial", Err: &net.DNSError{Name: "bmc7", Err: "no such host", IsNotFound: true}}
	failing = gone
	if _, err := l.connect(t.Context(), "tcp", "bmc7:443"); !errors.Is(err, gone) {
		t.Errorf("a name that there is no more: %v", err)
	}
}
