//go:build unix

package systemd

import (
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"
)

func TestTheServiceManagerIsToldOnItsSocket(t *testing.T) {
	for _, abstract := range []bool{false, true} {
		name := filepath.Join(t.TempDir(), "s")
		listen := name
		if abstract {
			listen, name = "\x00"+name, "@"+name
		}
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: listen, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("NOTIFY_SOCKET", name)
		Notify(Ready)
		got := make([]byte, 100)
		n, err := l.Read(got)
		if err != nil || string(got[:n]) != "READY=1" {
			t.Errorf("%s: %q, %v", name, got[:n], err)
		}
		_ = l.Close()
	}
}

// A service manager that is stopped, or hangs, reads nothing.
func TestAServiceManagerThatDoesNotReadKeepsNobodyFromWork(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	t.Setenv("NOTIFY_SOCKET", name)
	sent := 0
	for filled := false; !filled; sent++ { // until its socket takes no more
		filled = full(t, name)
	}
	Notify(Stopping) // comes back
	for range sent - 1 {
		got := make([]byte, 100)
		if n, err := l.Read(got); err != nil || string(got[:n]) != "fill" {
			t.Fatalf("%q, %v", got[:n], err)
		}
	}
	Notify(Ready)
	got := make([]byte, 100)
	if n, err := l.Read(got); err != nil || string(got[:n]) != Ready {
		t.Errorf("once it reads again it hears %q, %v", got[:n], err)
	}
}

// full sends a message more and reports whether it was not taken.
func full(t *testing.T, name string) bool {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the test is over
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	if err := raw.Write(func(fd uintptr) bool {
		_, refused = syscall.Write(int(fd), []byte("fill"))
		return true // it is not waited for
	}); err != nil {
		t.Fatal(err)
	}
	if refused != nil && !errors.Is(refused, syscall.EAGAIN) {
		t.Fatal(refused)
	}
	return refused != nil
}
