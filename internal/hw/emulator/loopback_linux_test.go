package emulator

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoOtherMachineFindsThePortOfTheBMCsOpen: they have an address each, so the listener
// is one of all addresses.
func TestNoOtherMachineFindsThePortOfTheBMCsOpen(t *testing.T) {
	if !manyLoopbacks(t.Context()) {
		t.Skip("not all of 127.0.0.0/8 is this machine")
	}
	l, err := openOnLoopback(t.Context(), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test ends
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var device string
	if controlErr := raw.Control(func(fd uintptr) { device, err = unix.GetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE) }); controlErr != nil || err != nil {
		t.Fatal(controlErr, err)
	}
	if device != "lo" {
		t.Errorf("it hears what comes over %q, want lo alone", device)
	}
	for _, address := range []string{"127.0.0.1", "127.0.1.7"} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort(address, port(l)))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}

func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}
