package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// MetricsPath is where metrics are read, also below a prefix.
const MetricsPath = "/metrics"

// LocalScraper lets programs of this machine read metrics without a token, and do nothing
// else. Behind a proxy on the same machine everybody seems to be one, so a request that
// says that it was passed on is none.
type LocalScraper struct{}

var _ Connections = LocalScraper{}

// Connection knows whoever asks for metrics from a loopback address.
func (LocalScraper) Connection(r *http.Request) (Identity, error) {
	if r.URL.Path != MetricsPath || r.Method != http.MethodGet && r.Method != http.MethodHead || passedOn(r.Header) {
		return Identity{}, ErrUnknown
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return Identity{}, ErrUnknown
	}
	if from, err := netip.ParseAddr(host); err != nil || !from.Unmap().IsLoopback() {
		return Identity{}, ErrUnknown
	}
	return Identity{Subject: "loopback", Proof: ProofAddress, Roles: []Role{Scraper}}, nil
}

// passedOn reports whether a proxy says that it passed a request on.
func passedOn(header http.Header) bool {
	for name := range header {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" {
			return true
		}
	}
	return false
}
