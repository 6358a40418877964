package redfish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Endpoint is where the ComputerSystem of a node is.
type Endpoint struct {
	// Address is the BMC's host, with a port where it is not 443. Nodes with
	// the same address share the BMC.
	Address string
	// System is the path of the ComputerSystem; where it is empty, the BMC is
	// asked for its systems.
	System string
	// UUID and Name are what the BMC calls the system, each empty if unknown.
	// They tell which system it is where System is empty, and the UUID whether
	// it is the node's machine in any case.
	UUID, Name string
	// Disabled says that the BMC is not to be asked for anything.
	Disabled bool
	// Fault is why nothing can be asked of the BMC, for people, with FaultCause;
	// empty if it can.
	Fault      string
	FaultCause bos.Cause
	// Target is the path of its reset action, empty if unknown.
	Target string
	// ResetTypes are the values the BMC advertises for it, empty if unknown.
	ResetTypes []string
	// User and Password are the BMC's own Basic credentials; both empty are
	// those of Config.
	User, Password string
	// Read and Reset are its own timeouts; 0 are those of Config.
	Read, Reset time.Duration
	// Sessions is whether it is logged in to; nil is as Config says.
	Sessions *bool
	// Trust is what certificate the BMC may have, if it has one of its own.
	// Of the nodes of one BMC, that of any counts.
	Trust transport.Trust

	// shared says that other nodes have the same BMC.
	shared bool
}

// usable is the endpoint in the form in which it is used, with its fault if nothing
// can be asked of it. A reset target elsewhere is dropped: credentials go to the
// BMC and nowhere else.
func (e Endpoint) usable() Endpoint {
	if e.Fault != "" {
		e.FaultCause = cmp.Or(e.FaultCause, bos.CauseUnknownToPower)
		return e
	}
	e.Address = addressOf(e.Address)
	u, err := url.Parse("https://" + e.Address + "/")
	if err != nil || e.Address == "" || u.Host != e.Address || u.Path != "/" || u.User != nil || u.RawQuery != "" {
		// It may hold credentials and is not repeated.
		return Endpoint{FaultCause: bos.CauseUnknownToPower, Fault: "what the inventory has as the address of its BMC is no host, such as bmc1.example or 10.1.0.1:8443; correct it there, or rediscover the node"}
	}
	if e.System == "" {
		e.Target, e.ResetTypes = "", nil // of what system, nobody knows
		return e
	}
	system, ok := e.local(e.System)
	if !ok {
		return Endpoint{FaultCause: bos.CauseUnknownToPower, Fault: fmt.Sprintf("the inventory has %q for its system, which is no path on its BMC %s; correct it there, or rediscover the node", transport.Excerpt(e.System), e.Address)}
	}
	e.System = system
	e.Target, _ = e.local(e.Target)
	return e
}

// addressOf is the address of a BMC as it is compared: of two nodes whose addresses
// differ in case or in a port that goes without saying the BMC is one.
func addressOf(text string) string {
	text = strings.ToLower(text)
	host, port := text, ""
	if h, p, err := net.SplitHostPort(text); err == nil {
		host, port = h, p
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.Is6():
		host = "[" + ip.String() + "]"
	case host != text && strings.HasPrefix(text, "["):
		return text // in brackets, and no IPv6 address: it is refused
	default:
		host = strings.TrimSuffix(host, ".")
	}
	if port == "" || port == "443" {
		return host
	}
	return host + ":" + port
}

// local is the path of a reference that stays on the BMC.
func (e Endpoint) local(reference string) (string, bool) {
	u, err := url.Parse(reference)
	if err != nil || u.Host != "" && addressOf(u.Host) != e.Address || u.User != nil || !strings.HasPrefix(u.Path, "/") {
		return "", false
	}
	return u.EscapedPath(), true
}

// url is the address of a path that local let pass.
func (e Endpoint) url(path string) string { return "https://" + e.Address + path }

const (
	defaultTTL = time.Minute
	// missingPause holds back asking again for a node that is not known: the
	// answer lists the whole site.
	missingPause = 15 * time.Second
	// failedPause holds back asking again after a failure.
	failedPause = 5 * time.Second
	// loadTimeout bounds one asking, with its retries.
	loadTimeout = 2 * time.Minute
)

// locator knows where the BMCs are. What it knows outlives an inventory that
// does not answer: BMCs rarely move.
type locator struct {
	load func(context.Context) (map[string]Endpoint, error)
	ttl  time.Duration
	now  func() time.Time
	// found is told how many BMCs there are when that is first known.
	found func(bmcs int)

	mu      sync.Mutex
	known   map[string]Endpoint
	trusts  map[string]transport.Trust // by host and port, of those that have one
	nodes   map[string][]target        // by address
	err     error                      // of the last asking
	asked   time.Time
	loading chan struct{} // closed when the asking that runs is over; nil if none does
}

func newLocator(load func(context.Context) (map[string]Endpoint, error), ttl time.Duration) *locator {
	if ttl <= 0 {
		ttl = defaultTTL
	}
	return &locator{load: load, ttl: ttl, now: time.Now}
}

// current is what is known, without waiting. Where that is old, it is renewed
// in the background.
func (l *locator) current(ctx context.Context) map[string]Endpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	pause := l.ttl
	if l.err != nil {
		pause = failedPause
	}
	l.askAfter(ctx, pause)
	return l.known
}

// renewed is what is known after asking for nodes that were missing. The error
// is nil as long as anything is known.
func (l *locator) renewed(ctx context.Context) (map[string]Endpoint, error) {
	l.mu.Lock()
	pause := min(missingPause, l.ttl)
	if l.err != nil {
		pause = failedPause
	}
	l.askAfter(ctx, pause)
	loading := l.loading
	l.mu.Unlock()
	if loading != nil {
		select {
		case <-loading:
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil && l.err == nil {
		return nil, errors.New("where the BMCs are was not known before the call was cancelled")
	}
	if l.known == nil {
		return nil, l.err
	}
	return l.known, nil
}

// askAfter starts an asking unless one runs or the last one is younger than
// pause. It outlives the call that started it: others wait for it as well.
func (l *locator) askAfter(ctx context.Context, pause time.Duration) {
	if l.loading != nil || !l.asked.IsZero() && l.now().Sub(l.asked) < pause {
		return
	}
	done := make(chan struct{})
	l.loading = done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	go func() {
		defer cancel()
		found, err := l.load(ctx)
		known := usable(found)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.err, l.asked, l.loading = err, l.now(), nil
		if err == nil {
			if l.known == nil && l.found != nil {
				defer l.found(len(byBMC(known)))
			}
			l.known, l.trusts, l.nodes = known, trusts(known), byBMC(known)
		}
		close(done)
	}()
}

func usable(found map[string]Endpoint) map[string]Endpoint {
	known := make(map[string]Endpoint, len(found))
	nodes := make(map[string]int, len(found)) // of each BMC
	for id, e := range found {
		e = e.usable()
		known[bos.CanonicalXname(id)] = e
		nodes[e.Address]++
	}
	systems := make(map[string][]string) // the nodes of each
	for id, e := range known {
		e.shared = nodes[e.Address] > 1
		known[id] = e
		if e.Fault == "" && e.System != "" {
			at := e.url(strings.TrimRight(e.System, "/"))
			systems[at] = append(systems[at], id)
		}
	}
	for at, ids := range systems {
		if len(ids) < 2 {
			continue
		}
		for _, id := range ids {
			known[id] = Endpoint{FaultCause: bos.CauseUnknownToPower, Fault: fmt.Sprintf("the inventory has the same system, %s, for %s, so nobody knows whose power it is, and nothing is sent to any of them; correct it there, or rediscover the nodes", at, bos.Fold(ids))}
		}
	}
	return known
}

// outdated makes the next question for what is known ask anew.
func (l *locator) outdated() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Time{}
}

// last is what is known, without asking.
func (l *locator) last() map[string]Endpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known
}

// nodesOf are the nodes of the BMC at an address.
func (l *locator) nodesOf(address string) []target {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes[address]
}

func byBMC(known map[string]Endpoint) map[string][]target {
	nodes := make(map[string][]target)
	for id, e := range known {
		if e.Fault != "" {
			continue
		}
		nodes[e.Address] = append(nodes[e.Address], target{id: id, Endpoint: e})
	}
	return nodes
}

// trust is what certificate the BMC at a host and port may have.
func (l *locator) trust(address string) transport.Trust {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trusts[address]
}

func trusts(known map[string]Endpoint) map[string]transport.Trust {
	found := make(map[string]transport.Trust)
	for _, e := range known {
		if e.Trust == (transport.Trust{}) || e.Fault != "" {
			continue
		}
		u := url.URL{Host: e.Address}
		port := u.Port()
		if port == "" {
			port = "443"
		}
		found[net.JoinHostPort(u.Hostname(), port)] = e.Trust
	}
	return found
}
