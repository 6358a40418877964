// Package edge is what every request to this service passes first, whatever it
// is for: the API, boot parameters and scripts, and notifications. A loopback
// address is no authentication, as a page in a browser on the same machine
// reaches it: so who asks from a page of somebody else, or under a name that is
// not this service's, is turned away here.
package edge

import (
	"log/slog"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Gate says who is let in.
type Gate struct {
	// Names are the host names of this service besides its addresses, loopback
	// and the name of the machine.
	Names []string
	// Writable is why nothing may be written now, nil if it may. It may be nil.
	Writable func() error
	// Log is told of who was turned away; nil discards it.
	Log *slog.Logger
}

// retryWrite is when to try again what Writable holds back, in seconds.
const retryWrite = "1"

type gate struct {
	names    map[string]bool
	writable func() error
	cross    *http.CrossOriginProtection
	log      *slog.Logger
	// told bounds what is logged: whoever is turned away may come often.
	told *rate.Limiter
}

// Handler lets through to next what may come in.
func (g Gate) Handler(next http.Handler) http.Handler {
	made := &gate{
		names: make(map[string]bool), writable: g.Writable, cross: http.NewCrossOriginProtection(), log: g.Log,
		told: rate.NewLimiter(rate.Every(time.Second), 10),
	}
	if made.log == nil {
		made.log = slog.New(slog.DiscardHandler)
	}
	own := []string{"localhost"}
	if host, err := os.Hostname(); err == nil {
		short, _, _ := strings.Cut(host, ".")
		own = append(own, host, short)
	}
	for _, name := range append(own, g.Names...) {
		made.names[plain(name)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if p := made.check(r); p != nil {
			p.Write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// check is why a request is turned away, nil if it is not.
func (g *gate) check(r *http.Request) *Problem {
	if host := hostOf(r.Host); !g.knows(host) {
		g.tell(r, "a request under a name that is not this service's was refused")
		return Problemf(http.StatusMisdirectedRequest,
			"this service is not called %q; ask it by its address, or add the name to its setting names (BOS_NAMES, --names)", clip(host))
	}
	if g.foreign(r) {
		g.tell(r, "a request from a page of another site was refused")
		return Problemf(http.StatusForbidden, "a page of another site sent this request; this service takes requests of programs, and no browser's from elsewhere")
	}
	if safe(r.Method) {
		return nil
	}
	// ContentLength is -1 where the length is not known, as in pieces.
	if r.ContentLength != 0 && !IsJSON(r.Header.Get("Content-Type")) {
		return Problemf(http.StatusUnsupportedMediaType, "the body is %q; send it as Content-Type: application/json", clip(r.Header.Get("Content-Type")))
	}
	if g.writable == nil {
		return nil
	}
	if err := g.writable(); err != nil {
		p := Problemf(http.StatusServiceUnavailable, "nothing may be written now: %v; reads are answered, and writes again soon", err)
		p.RetryAfter = retryWrite
		return p
	}
	return nil
}

// knows reports whether a host is this service. An address is always: no name of
// somebody else leads to a request for it.
func (g *gate) knows(host string) bool {
	if host == "" { // HTTP/1.0, which no browser speaks
		return true
	}
	if net.ParseIP(host) != nil {
		return true
	}
	name := plain(host)
	return g.names[name] || strings.HasSuffix(name, ".localhost")
}

// foreign reports whether a browser sent the request for a page of another site.
// Reads change nothing and are hidden from the page, but cost something; a link
// that somebody follows is taken.
func (g *gate) foreign(r *http.Request) bool {
	if g.cross.Check(r) != nil {
		return true
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return r.Header.Get("Sec-Fetch-Mode") != "navigate"
	default:
		return false
	}
}

func (g *gate) tell(r *http.Request, what string) {
	if g.told.Allow() {
		g.log.Warn(what, "method", r.Method, "path", clip(r.URL.Path), "host", clip(r.Host), "origin", clip(r.Header.Get("Origin")), "from", r.RemoteAddr)
	}
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// IsJSON reports whether a Content-Type is that of JSON.
func IsJSON(header string) bool {
	media, _, err := mime.ParseMediaType(header)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// hostOf is a host without its port.
func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

// plain is a name as it is compared.
func plain(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// clip shortens a value that goes into an error text.
func clip(s string) string {
	const most = 128
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
