package hsm

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// vanishMin and vanishShare say how many nodes of a site leave it at once
	// at most: more than that, or all, are missing in HSM's answer and not in
	// the room. PCS refuses such answers too.
	vanishMin   = 3
	vanishShare = 10 // a tenth
	// vanishFor is how long HSM must have left the same out until it is believed
	// that they are gone. That all are gone is never believed.
	vanishFor = 30 * time.Minute
)

// steady keeps what HSM said of the BMCs while it leaves many of them out, as
// an HSM does whose database is being restored.
type steady struct {
	name string // of the service
	now  func() time.Time
	log  *slog.Logger

	mu    sync.Mutex
	known map[string]Endpoint
	// since is when HSM began to leave many out, zero if it does not.
	since time.Time
}

// take is what is known after an answer.
func (s *steady) take(found map[string]Endpoint) map[string]Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gone []string
	for id := range s.known {
		if _, ok := found[id]; !ok {
			gone = append(gone, id)
		}
	}
	many := len(gone) > 0 && len(found) == 0 || len(gone) >= vanishMin && len(gone)*vanishShare > len(s.known)
	switch now := s.now(); {
	case !many:
		if !s.since.IsZero() {
			s.log.Info(s.name+" lists the BMCs that it had left out again", "nodes", len(found))
		}
		s.known, s.since = found, time.Time{}
	case len(found) > 0 && !s.since.IsZero() && now.Sub(s.since) >= vanishFor:
		s.log.Warn(s.name+" has left nodes out for so long that they count as gone", "gone", len(gone), "nodes", len(found), "such_as", bos.Fold(gone[:1]))
		s.known, s.since = found, time.Time{}
	default:
		if s.since.IsZero() {
			s.since = now
			s.log.Warn(s.name+" lists the BMCs of many nodes no more; what was known of them is kept; check its ComponentEndpoints",
				"missing", len(gone), "listed", len(found), "such_as", bos.Fold(gone[:1]))
		}
		s.known = keep(found, s.known, gone)
	}
	return s.known
}

// keep is an answer with what was known of the nodes that are gone, but for those
// whose address now is another BMC's.
func keep(found, known map[string]Endpoint, gone []string) map[string]Endpoint {
	owner := make(map[string]string, len(found))
	for id, e := range found {
		owner[e.FQDN] = e.bmcOf(id)
	}
	kept := maps.Clone(found)
	for _, id := range gone {
		e := known[id]
		if by, taken := owner[e.FQDN]; !taken || by == e.bmcOf(id) {
			kept[id] = e
		}
	}
	return kept
}

// bmcOf is the id of a node's BMC: what the inventory says, or else what the name of
// the node does.
func (e Endpoint) bmcOf(node string) string { return cmp.Or(e.BMC, bos.BMCOf(node)) }

// BMCOf is the id of a node's BMC, as far as it is known by now.
func (c *Client) BMCOf(node string) string { return c.bmcs.bmcOf(node) }

func (s *steady) bmcOf(node string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[node].bmcOf(node)
}

// some counts what an answer lists, of which there were some once.
type some struct {
	mu   sync.Mutex
	most int
}

// check is an error where an answer lists nothing and there was something before:
// a site does not lose all of it at once.
func (s *some) check(q transport.Request, listed int, what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if listed == 0 && s.most > 0 {
		return fmt.Errorf("the answer to GET %s lists no %s, although there were %d; nothing is concluded from that; check the service and its database", transport.Address(q.URL), what, s.most)
	}
	s.most = listed
	return nil
}
