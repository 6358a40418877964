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
	// unread says that what is said of it cannot be read.
	unread bool
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
		locks, err := c.lockStates(ctx, chunk)
		for _, id := range chunk {
			answers[id] = c.lockOf(locks, bos.CanonicalXname(id), err)
		}
	}
	return answers
}

func (c *Client) lockStates(ctx context.Context, ids []string) (lockList, error) {
	if c.plain {
		return c.lockedComponents(ctx)
	}
	asked := make([]string, 0, 2*len(ids))
	for _, id := range ids {
		id = bos.CanonicalXname(id)
		asked = append(asked, id, c.bmcs.bmcOf(id))
	}
	slices.Sort(asked)
	q := transport.Request{
		Method: http.MethodPost, URL: c.url + "/locks/status",
		Body: struct{ ComponentIDs []string }{slices.Compact(asked)},
	}
	return c.lockList(ctx, q)
}

// lockList is what HSM says of locks.
type lockList struct {
	// held are those that are locked, or reserved by another than this service, by xname.
	held map[string]lockState
	// told are those of which anything is said, be it that HSM has no such
	// component; nil where this HSM has no locks.
	told map[string]bool
}

// lockedComponents are those that say of themselves that they are locked.
func (c *Client) lockedComponents(ctx context.Context) (lockList, error) {
	list, odd, err := entries[lockState](ctx, c, c.question("/State/Components"), "Components")
	if err != nil {
		return lockList{}, err
	}
	l := lockList{make(map[string]lockState), make(map[string]bool, len(list))}
	for _, one := range list {
		id := bos.CanonicalXname(one.ID)
		l.told[id] = true
		if one.Locked {
			l.held[id] = lockState{ID: one.ID, Locked: true}
		}
	}
	l.unread(odd)
	return l, nil
}

// unread notes of whom nobody can say whether they are locked.
func (l lockList) unread(odd []oddEntry) {
	for _, o := range odd {
		if id := bos.CanonicalXname(o.id); id != "" && !l.held[id].Locked {
			l.told[id], l.held[id] = true, lockState{ID: o.id, unread: true}
		}
	}
}

// lockOf is what a list that was asked for a node says of it. HSM names each component
// that it was asked for, as found or not: where it names this one in neither way,
// as while its database is restored, nobody knows whether it is locked, and it waits.
func (c *Client) lockOf(l lockList, id string, err error) lockAnswer {
	hold := c.holdOf(id, l.held)
	if err == nil && hold == (bos.Hold{}) && l.told != nil && !l.told[id] {
		hold = bos.Hold{Cause: bos.CauseUpstreamOutage, Detail: "nothing is sent to it while nobody can say whether it is locked: " + c.name + " answered the question for its lock without naming it; check that it has its data"}
	}
	return lockAnswer{hold, err}
}

// lockList reads a list of locks. Builds of SMD without locks have no such path; a
// gateway that knows none says nothing of locks.
func (c *Client) lockList(ctx context.Context, q transport.Request) (lockList, error) {
	var list struct {
		Components *[]lockState
		NotFound   []string
	}
	asked := c.bmcs.now()
	err := c.http.JSON(ctx, q, &list)
	switch class := transport.ClassOf(err); {
	case class == transport.ClassAbsent, class == transport.ClassUnsupported:
		return lockList{}, nil // this HSM has no locks
	case err != nil:
		return lockList{}, err
	case list.Components == nil:
		return lockList{}, c.missing(q, "Components")
	}
	l := lockList{make(map[string]lockState), make(map[string]bool, len(*list.Components)+len(list.NotFound))}
	for _, s := range *list.Components {
		id := bos.CanonicalXname(s.ID)
		l.told[id] = true
		s.Reserved = s.Reserved && !c.reservations.claims.cover(id, asked)
		if s.Locked || s.Reserved {
			l.held[id] = s
		}
	}
	for _, id := range list.NotFound {
		l.told[bos.CanonicalXname(id)] = true
	}
	return l, nil
}

// holdOf is what keeps a node from being touched.
func (c *Client) holdOf(id string, states map[string]lockState) bos.Hold {
	for _, of := range []string{id, c.bmcs.bmcOf(id)} {
		s, ok := states[of]
		if !ok {
			continue
		}
		name := of
		if of != id {
			name = "its BMC " + of
		}
		if s.unread {
			return bos.Hold{Cause: bos.CauseUpstreamOutage, Detail: fmt.Sprintf("nothing is sent to it while nobody can say whether %s is locked: its entry in %s cannot be read; correct it there", name, c.name)}
		}
		if s.Locked {
			return bos.Hold{Cause: bos.CauseLocked, Detail: name + " is locked in " + c.name + "; unlock it there, or wait for who works on it"}
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
