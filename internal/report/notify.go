package report

import (
	"net"
	"os"
	"strings"
)

// notifySystemd tells the service manager how it stands, where there is one: by a
// datagram to the socket that it names (sd_notify(3)).
func notifySystemd(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if rest, abstract := strings.CutPrefix(path, "@"); abstract {
		path = "\x00" + rest
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return // a report is worth more than what is said about it
	}
	defer conn.Close()               //nolint:errcheck // it was sent or not
	_, _ = conn.Write([]byte(state)) // the same
}
