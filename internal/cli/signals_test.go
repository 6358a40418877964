//go:build unix

package cli

import (
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// ended waits for the end of a service, which must be one in order: its calls are
// recorded, its lease is given up and its log is in the database.
func (p *process) ended() {
	p.t.Helper()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the service did not end in order: %v: %s", err, p.log.all())
	}
	if _, err := os.Stat(p.database + "-wal"); err == nil {
		p.t.Error("it left the log of its database behind")
	}
}

func TestAServiceWhoseTerminalIsClosedEndsInOrder(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("hangups are ignored here, as under nohup, and a service that is started keeps to that")
	}
	_, service := site(t, 1)
	service.signal(syscall.SIGHUP)
	service.ended()
}

func TestTheServiceManagerHearsWhenBOSDrivesAndWhenItStopsAndAHangupEndsNothing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "n")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test is over
	hears := func(want string) {
		t.Helper()
		got := make([]byte, 100)
		for {
			n, err := l.Read(got)
			if err != nil {
				t.Fatal(err)
			}
			if text := string(got[:n]); text == want {
				return
			} else if text != "WATCHDOG=1" || want == "READY=1" {
				t.Fatalf("it said %q, want %q", text, want)
			}
		}
	}
	database := filepath.Join(t.TempDir(), "bos.db")
	service := &process{t: t, database: database, env: []string{"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=300000"}, args: []string{"serve", "--listen", "127.0.0.1:0", "--database", database}}
	service.start()
	t.Cleanup(service.kill)
	hears("READY=1")
	hears("WATCHDOG=1")
	service.signal(syscall.SIGHUP)
	if !put(t.Context(), service.url, "after") {
		t.Error("it takes no writes after a hangup")
	}
	service.signal(syscall.SIGTERM)
	hears("STOPPING=1")
	service.ended()
}
