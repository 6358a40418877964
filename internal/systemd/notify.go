// Package systemd is how a program stands to the service manager that started it,
// where one did.
package systemd

import (
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// What a service manager is told.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	alive    = "WATCHDOG=1"
)

// patience is how long a service manager that does not read may keep this program. Its
// socket takes some ten messages beside those that it has read.
const patience = 200 * time.Millisecond

// socket names where the service manager listens (sd_notify(3)).
const socket = "NOTIFY_SOCKET"

// Notify tells the service manager how this program stands, by a datagram to the
// socket that it names. What comes of it is not known, and stands in nobody's way.
func Notify(state string) {
	path := os.Getenv(socket)
	if path == "" {
		return
	}
	if rest, abstract := strings.CutPrefix(path, "@"); abstract {
		path = "\x00" + rest
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return // the work is worth more than what is said about it
	}
	defer conn.Close() //nolint:errcheck // it was sent or not
	if conn.SetWriteDeadline(time.Now().Add(patience)) == nil {
		_, _ = conn.Write([]byte(state)) // the same
	}
}

// Stops are the signals that end a program in order. A hangup ends one whose terminal
// is closed, and neither one that a service manager started, which has none, nor one
// that was started to outlive it (nohup).
func Stops() []os.Signal {
	stops := []os.Signal{os.Interrupt, syscall.SIGTERM}
	switch {
	case signal.Ignored(syscall.SIGHUP):
	case os.Getenv(socket) != "":
		signal.Ignore(syscall.SIGHUP)
	default:
		stops = append(stops, syscall.SIGHUP)
	}
	return stops
}
