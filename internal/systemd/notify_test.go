package systemd

import (
	"net"
	"path/filepath"
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
