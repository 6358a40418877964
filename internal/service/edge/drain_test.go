package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A proxy that speaks HTTP/1.0, as nginx does by default, has each connection closed after its answer.
func TestAnAnswerToABodyThatNobodyReadArrivesWhereTheConnectionIsClosed(t *testing.T) {
	const size = 100_000
	page := strings.Repeat("x", 200_000)
	for _, c := range []struct {
		name, protocol string
		status         int
	}{
		{"asked for", "HTTP/1.1\r\nConnection: close", http.StatusOK},
		{"as HTTP/1.0 does", "HTTP/1.0", http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(Load{}.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, page)
			})))
			t.Cleanup(server.Close)
			for range 20 {
				var d net.Dialer
				conn, err := d.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				send(t, conn, fmt.Sprintf("POST / %s\r\nHost: bos.example\r\nContent-Length: %d\r\n\r\n%s", c.protocol, size, strings.Repeat("y", size)))
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != c.status || len(body) != len(page) {
					t.Fatalf("%d with %d bytes: %v", res.StatusCode, len(body), err)
				}
				_, _ = res.Body.Close(), conn.Close()
			}
		})
	}
}
