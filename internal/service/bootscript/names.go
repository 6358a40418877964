package bootscript

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// namesFresh is how long names are taken from memory.
	namesFresh = 5 * time.Minute
	// namesRetry is how soon they are read again because something was not
	// found, or because reading failed: nodes ask every ten seconds.
	namesRetry = 10 * time.Second
	// namesTimeout is how long a node that boots waits for them.
	namesTimeout = 15 * time.Second
)

// names keeps what the inventory says about the names of nodes. A room that
// boots asks ten thousand times within a minute.
type names struct {
	source bos.NodeNames
	config Config
	// reading is held by the one who reads them.
	reading sync.Mutex
	tried   time.Time

	mu   sync.RWMutex
	held held
}

// held is what was read last.
type held struct {
	at   time.Time
	nids map[int]string
	macs map[string]string
	node map[string]bos.NodeName
	// addresses maps each known IP address to its node.
	addresses map[netip.Addr]string
}

func newNames(c Config) *names { return &names{source: c.Names, config: c} }

// known calls search with the names held, and again with fresh ones if it finds
// nothing.
func (n *names) known(ctx context.Context, search func(held) bool) {
	if n.source == nil {
		return
	}
	h := n.get()
	if h.at.IsZero() || n.config.Now().Sub(h.at) > namesFresh {
		n.refresh(ctx, h)
		h = n.get()
	}
	if !search(h) {
		n.refresh(ctx, h)
		search(n.get())
	}
}

func (n *names) get() held {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.held
}

// refresh reads the names unless that was tried a moment ago. Names that cannot
// be read stay as they were. Who has some does not wait for another who reads.
func (n *names) refresh(ctx context.Context, have held) {
	if !n.reading.TryLock() {
		if !have.at.IsZero() {
			return
		}
		n.reading.Lock()
	}
	defer n.reading.Unlock()
	now := n.config.Now()
	if !n.tried.IsZero() && now.Sub(n.tried) < namesRetry {
		return
	}
	n.tried = now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), namesTimeout)
	defer cancel()
	list, err := n.source.NodeNames(ctx)
	if err != nil {
		n.config.Log.Warn("the names of nodes could not be read; nodes that are not found are told to ask again", "error", err)
		return
	}
	h := hold(list, now)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = h
}

func hold(list []bos.NodeName, now time.Time) held {
	h := held{at: now, nids: make(map[int]string), macs: make(map[string]string), node: make(map[string]bos.NodeName), addresses: make(map[netip.Addr]string)}
	for _, node := range list {
		h.node[node.ID] = node
		if node.NID > 0 {
			h.nids[node.NID] = node.ID
		}
		for _, text := range node.MACs {
			if mac, ok := canonicalMAC(text); ok {
				h.macs[mac] = node.ID
			}
		}
		for _, text := range node.Addresses {
			if a, err := netip.ParseAddr(text); err == nil {
				h.addresses[a.Unmap()] = node.ID
			}
		}
	}
	return h
}

func (n *names) byNID(ctx context.Context, nid int) (id string, ok bool) {
	n.known(ctx, func(h held) bool { id, ok = h.nids[nid]; return ok })
	return id, ok
}

func (n *names) byMAC(ctx context.Context, mac string) (id string, ok bool) {
	n.known(ctx, func(h held) bool { id, ok = h.macs[mac]; return ok })
	return id, ok
}

func (n *names) nid(ctx context.Context, id string) int {
	var found bos.NodeName
	n.known(ctx, func(h held) (ok bool) { found, ok = h.node[id]; return ok })
	return found.NID
}

// asker is what can be said about who asks for a node's script.
type asker int

const (
	// askerAllowed: it may be the node.
	askerAllowed asker = iota
	// askerOther: it is another node, or none.
	askerOther
	// askerUnknown: the inventory could not be read so far.
	askerUnknown
)

// judge tells whether an address may have the script of a node: not that of
// another node, and where the node's own addresses are known, only those. This
// machine may: it holds the database.
func (n *names) judge(ctx context.Context, from netip.Addr, id string) asker {
	from = from.Unmap().WithZone("")
	if from.IsLoopback() {
		return askerAllowed
	}
	verdict := askerUnknown
	n.known(ctx, func(h held) bool {
		if h.at.IsZero() {
			return false
		}
		node, inInventory := h.node[id]
		owner := h.addresses[from]
		verdict = askerOther
		if owner == id || owner == "" && len(node.Addresses) == 0 {
			verdict = askerAllowed
		}
		return inInventory && verdict == askerAllowed
	})
	return verdict
}

// canonicalMAC is a MAC address in lower case with colons.
func canonicalMAC(text string) (string, bool) {
	if len(text) != 12 && len(text) != 17 {
		return "", false
	}
	digits := make([]byte, 0, 12)
	for i := range len(text) {
		c := text[i]
		if len(text) == 17 && i%3 == 2 {
			if c != ':' && c != '-' {
				return "", false
			}
			continue
		}
		c = lower(c)
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
		digits = append(digits, c)
	}
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.Write(digits[i : i+2])
	}
	return b.String(), true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'F' {
		return c + 'a' - 'A'
	}
	return c
}
