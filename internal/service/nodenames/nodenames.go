// Package nodenames keeps what the inventory says of the names that nodes have on the
// network they boot from: NIDs, MAC and IP addresses. It tells who it is that asks.
package nodenames

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

const (
	// Fresh is how long names are taken from memory.
	Fresh = 5 * time.Minute
	// Retry is how soon they are read again because something was not found, or
	// because reading failed: nodes ask every ten seconds.
	Retry = 10 * time.Second
	// timeout is how long a node that boots waits for them.
	timeout = 15 * time.Second
)

// Names keeps what the inventory says about the names of nodes. A room that
// boots asks ten thousand times within a minute. It is safe for concurrent use.
type Names struct {
	source bos.NodeNames
	clock  func() time.Time
	log    *slog.Logger
	// reading is held by the one who reads them.
	reading turn.Turn
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

// New keeps the names of a source, nil for one that knows none. The clock and the log
// may be nil.
func New(source bos.NodeNames, clock func() time.Time, log *slog.Logger) *Names {
	if clock == nil {
		clock = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Names{source: source, clock: clock, log: log}
}

// known calls search with the names held, and again with fresh ones if it finds
// nothing.
func (n *Names) known(ctx context.Context, search func(held) bool) {
	if n.source == nil {
		return
	}
	h := n.get()
	if h.at.IsZero() || n.clock().Sub(h.at) > Fresh {
		n.refresh(ctx, h)
		h = n.get()
	}
	if !search(h) {
		n.refresh(ctx, h)
		search(n.get())
	}
}

func (n *Names) get() held {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.held
}

// refresh reads the names unless that was tried a moment ago. Names that cannot
// be read stay as they were. Who has some does not wait for another who reads.
func (n *Names) refresh(ctx context.Context, have held) {
	if !n.reading.Try() && (!have.at.IsZero() || n.reading.Take(ctx) != nil) {
		return
	}
	defer n.reading.Give()
	now := n.clock()
	if !n.tried.IsZero() && now.Sub(n.tried) < Retry {
		return
	}
	n.tried = now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	list, err := n.source.NodeNames(ctx)
	if err != nil {
		n.log.Warn("the names of nodes could not be read; nodes that are not found are told to ask again", "error", err)
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
			if mac, ok := CanonicalMAC(text); ok {
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

// ByNID is the node of a number.
func (n *Names) ByNID(ctx context.Context, nid int) (id string, ok bool) {
	n.known(ctx, func(h held) bool { id, ok = h.nids[nid]; return ok })
	return id, ok
}

// ByMAC is the node of a MAC address in its canonical form.
func (n *Names) ByMAC(ctx context.Context, mac string) (id string, ok bool) {
	n.known(ctx, func(h held) bool { id, ok = h.macs[mac]; return ok })
	return id, ok
}

// ByAddress is the node that is known to ask from an IP address.
func (n *Names) ByAddress(ctx context.Context, from netip.Addr) (id string, ok bool) {
	from = from.Unmap().WithZone("")
	n.known(ctx, func(h held) bool { id, ok = h.addresses[from]; return ok })
	return id, ok
}

// Addresses are the IP addresses that a node is known to have.
func (n *Names) Addresses(ctx context.Context, id string) (list []string) {
	n.known(ctx, func(h held) bool { list = h.node[id].Addresses; return len(list) > 0 })
	return list
}

// Has reports whether the inventory has a node of this name.
func (n *Names) Has(ctx context.Context, id string) (ok bool) {
	n.known(ctx, func(h held) bool { _, ok = h.node[id]; return ok })
	return ok
}

// NID is the number of a node, 0 if it is not known.
func (n *Names) NID(ctx context.Context, id string) int {
	var found bos.NodeName
	n.known(ctx, func(h held) (ok bool) { found, ok = h.node[id]; return ok })
	return found.NID
}

// Asker is what can be said about who asks in the name of a node.
type Asker int

const (
	// MayBe says that it may be the node.
	MayBe Asker = iota
	// Other says that it is another node, or none.
	Other
	// Unknown says that the inventory could not be read so far.
	Unknown
)

// Judge tells whether who asks from an address may be a node: not from that of
// another node, and where the node's own addresses are known, only from those. This
// machine may be any: it holds the database. Without a source everybody may.
func (n *Names) Judge(ctx context.Context, from netip.Addr, id string) Asker {
	from = from.Unmap().WithZone("")
	if n.source == nil || from.IsLoopback() {
		return MayBe
	}
	verdict := Unknown
	n.known(ctx, func(h held) bool {
		if h.at.IsZero() {
			return false
		}
		node, inInventory := h.node[id]
		owner := h.addresses[from]
		verdict = Other
		if owner == id || owner == "" && len(node.Addresses) == 0 {
			verdict = MayBe
		}
		return inInventory && verdict == MayBe
	})
	return verdict
}

// CanonicalMAC is a MAC address in lower case with colons. It may be given in any of the
// ways of firmware, DHCP servers and switches: with colons or dashes, of which the hardware
// type 01 may be the first, with dots between each four digits, or digits alone.
func CanonicalMAC(text string) (string, bool) {
	every, from := 0, byte(0)
	switch len(text) {
	case 12:
	case 14:
		every, from = 4, '.'
	case 17, 20:
		if every, from = 2, text[2]; from != ':' && from != '-' {
			return "", false
		}
	default:
		return "", false
	}
	digits := make([]byte, 0, 14)
	for i := range len(text) {
		c := text[i]
		if every > 0 && i%(every+1) == every {
			// Some mix them, and it is an address all the same.
			if c != from && (from == '.' || c != ':' && c != '-') {
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
	if len(digits) == 14 {
		if string(digits[:2]) != "01" {
			return "", false
		}
		digits = digits[2:]
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
