package pcs

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// fewNodes is how many nodes are remembered that PCS knows.
const fewNodes = 3

// witnesses are nodes that PCS had a power state of, the last ones first. They
// tell a PCS that has forgotten a node from one that has forgotten all, as after
// its start, when its map of components is not filled yet.
type witnesses struct {
	mu  sync.Mutex
	ids []string
}

// note remembers nodes that PCS knows.
func (w *witnesses) note(known []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := append(slices.Clone(known[:min(fewNodes, len(known))]), w.ids...)
	w.ids = bos.Distinct(all)
	w.ids = w.ids[:min(fewNodes, len(w.ids))]
}

// besides are those that are not among ids.
func (w *witnesses) besides(ids []string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.ids), func(id string) bool { return slices.Contains(ids, id) })
}

// said is an answer by canonical xname, only of nodes that PCS knows.
func said(list []nodeStatus) map[string]nodeStatus {
	known := make(map[string]nodeStatus, len(list))
	for _, n := range list {
		if !unknownNode(n.Error) {
			known[bos.CanonicalXname(n.Xname)] = n
		}
	}
	return known
}

// forgot is an error where an answer shows that PCS does not know its site now,
// and thus says nothing of the nodes: it knows none of those asked for, of those
// that it knew, and of all that it has.
func (c *Client) forgot(ctx context.Context, ids []string, list []nodeStatus) error {
	known := said(list)
	var some []string
	for _, id := range ids {
		if _, ok := known[bos.CanonicalXname(id)]; ok && len(some) < fewNodes {
			some = append(some, id)
		}
	}
	if len(some) > 0 {
		c.witnesses.note(some)
		return nil
	}
	if others := c.witnesses.besides(ids); len(others) > 0 {
		list, err := c.ask(ctx, others)
		if err != nil || len(said(list)) > 0 {
			return err
		}
	}
	// Nobody who is remembered: so for all that PCS has, which is what no name
	// means to it.
	list, err := c.answer(ctx, transport.Request{Method: http.MethodGet, URL: c.url + "/power-status"})
	if err != nil {
		return err
	}
	for id := range said(list) {
		if some = append(some, id); len(some) == fewNodes {
			break
		}
	}
	if len(some) > 0 {
		c.witnesses.note(some)
		return nil
	}
	return fmt.Errorf("PCS knows no node at all, and thus nothing of %s; wait until it has read HSM, or check its access to HSM and to the credentials", bos.Fold(ids[:min(len(ids), fewNodes)]))
}
