package bss

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

// finding is how a BSS finds what a node boots that asks by its MAC address, as nodes
// do.
type finding int

const (
	// findingUnknown: it has not been seen yet.
	findingUnknown finding = iota
	// findingByHost: it knows by itself whose the address is.
	findingByHost
	// findingByMAC: it finds what was written under that address alone, as BSS
	// on PostgreSQL does. Its scripts have no referral token of their own.
	findingByMAC
)

// macs are the MAC addresses of nodes, and what is known of how this BSS uses them.
type macs struct {
	names bos.NodeNames
	now   func() time.Time

	mu  sync.Mutex // of way
	way finding

	turn  turn.Turn // over the question, and of what it answers
	of    map[string][]string
	asked time.Time
}

const (
	// macsFresh is how old the MAC addresses of nodes may become, macsRetry the
	// pause before they are read again for a node that has none.
	macsFresh = 10 * time.Minute
	macsRetry = time.Minute
	// maxMACs bounds the addresses of one write.
	maxMACs = 4000
)

// NamedBy makes the client see to it that nodes find their boot parameters by MAC
// address, where this BSS does not know whose that is.
func (c *Client) NamedBy(names bos.NodeNames) *Client {
	c.macs.names = names
	return c
}

func (m *macs) found() finding {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.way
}

func (m *macs) find(way finding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.way = way
}

// all are the MAC addresses of nodes, sorted; nodes that have none are left out.
func (m *macs) all(ctx context.Context, ids []string) ([]string, error) {
	if err := m.turn.Take(ctx); err != nil {
		return nil, err
	}
	defer m.turn.Give()
	missing := slices.ContainsFunc(ids, func(id string) bool { return len(m.of[bos.CanonicalXname(id)]) == 0 })
	if age := m.now().Sub(m.asked); m.asked.IsZero() || age >= macsFresh || missing && age >= macsRetry {
		list, err := m.names.NodeNames(ctx)
		if err != nil {
			return nil, err
		}
		m.of, m.asked = make(map[string][]string, len(list)), m.now()
		for _, n := range list {
			for _, mac := range n.MACs {
				m.of[n.ID] = append(m.of[n.ID], strings.ToLower(mac))
			}
		}
	}
	var found []string
	for _, id := range ids {
		found = append(found, m.of[bos.CanonicalXname(id)]...)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// tokenFor is what is added to the parameters of nodes whose BSS does not tell them a
// token; empty where it does, or that is not known.
func (c *Client) tokenFor() string {
	if c.macs.names == nil || c.macs.found() != findingByMAC {
		return ""
	}
	return uuid.NewString()
}

// byMAC sees to it that nodes which ask by MAC address find what was just stored under
// their xnames. again says that it is to be stored anew, as only now it is known how.
func (c *Client) byMAC(ctx context.Context, ids []string, a bos.BootArtifacts) (again bool, failed *bos.CallError) {
	if c.macs.names == nil || c.macs.found() == findingByHost {
		return false, nil
	}
	all, err := c.macs.all(ctx, ids)
	if err != nil {
		return false, &bos.CallError{Outcome: bos.CallNotAttempted, Cause: bos.CauseUpstreamOutage, Detail: fmt.Sprintf("the boot parameters are not known to be found by MAC address, as the addresses of nodes cannot be read: %v", err)}
	}
	if len(all) == 0 {
		return false, nil // nobody knows by what these nodes ask
	}
	if c.macs.found() == findingUnknown {
		found, err := c.readBack(ctx, all[0], a)
		switch {
		case err != nil:
			return false, judge(err)
		case found:
			c.macs.find(findingByHost)
			return false, nil
		}
		c.macs.find(findingByMAC)
		return true, nil
	}
	for chunk := range slices.Chunk(all, maxMACs) {
		if _, failed := c.put(ctx, ids, bootParameters{MACs: chunk, Kernel: a.Kernel, Initrd: a.Initrd, Params: a.KernelParameters}); failed != nil {
			return false, failed
		}
	}
	found, err := c.readBack(ctx, all[len(all)-1], a)
	switch {
	case err != nil:
		return false, judge(err)
	case !found:
		return false, &bos.CallError{Outcome: bos.CallRefused, Cause: bos.CauseBootParameters, Detail: fmt.Sprintf(
			"BSS took the boot parameters and does not have them under the MAC address %s, by which the node asks, so it would boot something else; check BSS and its database, or use boot_parameters.builtin", all[len(all)-1])}
	}
	return false, nil
}

// readBack asks whether BSS has the artifacts for a MAC address.
func (c *Client) readBack(ctx context.Context, mac string, a bos.BootArtifacts) (bool, error) {
	q := transport.Request{Method: http.MethodGet, URL: c.url + "/bootparameters?mac=" + url.QueryEscape(mac)}
	res, err := c.http.Do(ctx, q)
	if transport.ClassOf(err) == transport.ClassAbsent {
		return false, nil // it says so with a 404
	}
	if err != nil {
		return false, err
	}
	var list []bootParameters
	if err := json.Unmarshal(res.Body, &list); err != nil {
		return false, c.http.Broken(q, res, err)
	}
	return slices.ContainsFunc(list, func(p bootParameters) bool {
		return p.Kernel == a.Kernel && p.Initrd == a.Initrd && p.Params == a.KernelParameters
	}), nil
}
