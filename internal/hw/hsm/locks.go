package hsm

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// maxLockQuestion bounds the components of one question about locks.
const maxLockQuestion = 5000

// lockState is what HSM says of the lock of one component.
type lockState struct {
	ID               string
	Locked, Reserved bool
	// CreationTime and ExpirationTime are those of a reservation.
	CreationTime, ExpirationTime string
}

// lockAnswer is the answer to a question about one node, which they all share.
type lockAnswer struct {
	hold bos.Hold
	err  error
}

// Holds says which of these nodes are kept from being touched now, because they or
// their BMCs are locked or reserved, by xname. Questions that come while one is out
// travel together in the next. An HSM without locks keeps nobody.
func (c *Client) Holds(ctx context.Context, ids []string) (map[string]bos.Hold, error) {
	answers, err := c.locks.Ask(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("the question for locks was cancelled before HSM answered: %w", err)
	}
	holds := make(map[string]bos.Hold)
	for _, id := range ids {
		a := answers[id]
		if a.err != nil {
			return nil, a.err
		}
		if a.hold != (bos.Hold{}) {
			holds[id] = a.hold
		}
	}
	return holds, nil
}

// lockedNow asks for the locks of nodes and of their BMCs.
func (c *Client) lockedNow(ctx context.Context, ids []string) map[string]lockAnswer {
	answers := make(map[string]lockAnswer, len(ids))
	for chunk := range slices.Chunk(ids, maxLockQuestion/2) {
		states, err := c.lockStates(ctx, chunk)
		for _, id := range chunk {
			answers[id] = lockAnswer{holdOf(bos.CanonicalXname(id), states), err}
		}
	}
	return answers
}

func (c *Client) lockStates(ctx context.Context, ids []string) (map[string]lockState, error) {
	asked := make([]string, 0, 2*len(ids))
	for _, id := range ids {
		id = bos.CanonicalXname(id)
		asked = append(asked, id, bos.BMCOf(id))
	}
	slices.Sort(asked)
	q := transport.Request{
		Method: http.MethodPost, URL: c.url + "/locks/status",
		Body: struct{ ComponentIDs []string }{slices.Compact(asked)},
	}
	return c.lockList(ctx, q)
}

// lockList reads a list of locks by xname. Builds of SMD without locks have no such
// path; a gateway that knows none says nothing of locks.
func (c *Client) lockList(ctx context.Context, q transport.Request) (map[string]lockState, error) {
	var list struct{ Components *[]lockState }
	err := c.http.JSON(ctx, q, &list)
	switch class := transport.ClassOf(err); {
	case class == transport.ClassAbsent, class == transport.ClassUnsupported:
		return nil, nil //nolint:nilnil // this HSM has no locks
	case err != nil:
		return nil, err
	case list.Components == nil:
		return nil, c.missing(q, "Components")
	}
	states := make(map[string]lockState, len(*list.Components))
	for _, s := range *list.Components {
		if s.Locked || s.Reserved {
			states[bos.CanonicalXname(s.ID)] = s
		}
	}
	return states, nil
}

// holdOf is what keeps a node from being touched.
func holdOf(id string, states map[string]lockState) bos.Hold {
	for _, of := range []string{id, bos.BMCOf(id)} {
		s, ok := states[of]
		if !ok {
			continue
		}
		name := of
		if of != id {
			name = "its BMC " + of
		}
		if s.Locked {
			return bos.Hold{Cause: bos.CauseLocked, Detail: name + " is locked in HSM; unlock it there, or wait for who works on it"}
		}
		return bos.Hold{Cause: bos.CauseReserved, Detail: fmt.Sprintf("%s is reserved in HSM%s, by a service that works on it; wait for it, or look in HSM's reservations whose it is", name, s.span())}
	}
	return bos.Hold{}
}

// span is from when until when a reservation holds, as far as HSM says so.
func (s lockState) span() string {
	text := ""
	for _, at := range []struct{ word, time string }{{"since", s.CreationTime}, {"until", s.ExpirationTime}} {
		if t, err := time.Parse(time.RFC3339, at.time); err == nil {
			text += fmt.Sprintf(" %s %s", at.word, t.UTC().Format(time.DateTime+" MST"))
		}
	}
	return text
}
