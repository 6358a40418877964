package bootscript

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// toldAgain is how long an address that asks for no node is not told of again.
	toldAgain = 10 * time.Minute
	// maxNowhere bounds the addresses that are remembered.
	maxNowhere = 1024
)

// nowhere remembers when an address that asked for no node was told of.
type nowhere struct {
	mu   sync.Mutex
	told map[netip.Addr]time.Time
}

// lost says in the log that somebody asks for a script and names no node. It is an error
// on the console of the node, which stops there, and nobody looks at it.
func (e *Endpoint) lost(r *http.Request, why error) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !e.nowhere.begin(from.Addr(), e.config.Now()) {
		return
	}
	e.config.Log.Warn("a boot script was asked for without the name of a node, and nothing boots by that; correct what DHCP or the firmware hands out as its address",
		"address", from.Addr().String(), "query", clip(r.URL.RawQuery), "error", why)
}

// begin reports whether an address is to be told of now.
func (n *nowhere) begin(from netip.Addr, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at, told := n.told[from]; told && now.Sub(at) < toldAgain && !now.Before(at) {
		return false
	}
	if n.told == nil || len(n.told) >= maxNowhere {
		n.told = make(map[netip.Addr]time.Time)
	}
	n.told[from] = now
	return true
}
