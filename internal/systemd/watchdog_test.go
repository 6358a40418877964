package systemd

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// manager listens where a service manager does, and reads the next thing that it is told.
func manager(t *testing.T) (next func() string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test is over
	t.Setenv("NOTIFY_SOCKET", name)
	return func() string {
		t.Helper()
		got := make([]byte, 100)
		n, err := l.Read(got)
		if err != nil {
			t.Fatal(err)
		}
		return string(got[:n])
	}
}

func TestAProgramThatIsNotWellIsSilentAndOneThatIsWellAgainIsHeard(t *testing.T) {
	next := manager(t)
	ctx, stop := context.WithCancel(t.Context())
	ticks, ended := make(chan time.Time), make(chan struct{})
	states := []bool{true, false, false, true}
	asked := 0
	go func() {
		defer close(ended)
		Live(ctx, ticks, func() bool { asked++; return states[asked-1] })
	}()
	for range states {
		ticks <- time.Time{}
	}
	stop()
	<-ended
	Notify(Stopping) // after which there is nothing more to read
	var heard []string
	for {
		text := next()
		heard = append(heard, text)
		if text == Stopping {
			break
		}
	}
	if want := []string{alive, alive, Stopping}; !slices.Equal(heard, want) {
		t.Errorf("it heard %q, want %q", heard, want)
	}
	if asked != len(states) {
		t.Errorf("it was asked %d times, want %d", asked, len(states))
	}
}

func TestTheTimeBetweenSignsOfLifeIsAThirdOfWhatTheServiceManagerWaits(t *testing.T) {
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"60000000", "", 20 * time.Second},
		{"60000000", strconv.Itoa(os.Getpid()), 20 * time.Second},
		{"60000000", strconv.Itoa(os.Getppid()), 0}, // meant for another process
		{"", "", 0},
		{"0", "", 0},
		{"2", "", 0}, // a ticker takes no 0
		{"-1", "", 0},
		{"a minute", "", 0},
		{"9223372036854775807", "", 0},
		{"18446744073709551615", "", 0}, // what systemd calls infinity
	} {
		t.Setenv("WATCHDOG_USEC", test.usec)
		t.Setenv("WATCHDOG_PID", test.pid)
		if got := Watchdog(); got != test.want {
			t.Errorf("WATCHDOG_USEC=%q WATCHDOG_PID=%q: every %s, want %s", test.usec, test.pid, got, test.want)
		}
	}
}
