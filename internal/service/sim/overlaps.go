package sim

import (
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// queueSession creates a session that waits for whoever is at work on its nodes.
func (w *World) queueSession() {
	if w.sessions < maxSessions {
		w.createSession(request{op: bos.Operations()[w.rng.IntN(3)], limit: strings.Join(w.someNodes(), ","), overlap: bos.OverlapQueue})
	}
}

// replaceSession creates a session in place of one that is open, on its nodes or others.
func (w *World) replaceSession() {
	keys := w.openSessions()
	if w.sessions >= maxSessions || len(keys) == 0 {
		return
	}
	old := keys[w.rng.IntN(len(keys))]
	r := request{
		op: bos.Operations()[w.rng.IntN(3)], limit: w.check.request(old).limit, tenant: old.Tenant, replaces: []string{old.Name},
		overlap: bos.Overlaps()[w.rng.IntN(len(bos.Overlaps()))],
	}
	if w.check.request(old).misspelt || w.rng.IntN(3) == 0 {
		r.limit = strings.Join(w.someNodes(), ",")
	}
	w.createSession(r)
}

// request is what a client wanted of the session that has the name now.
func (c *checks) request(key bos.SessionKey) request {
	if at := c.latestOf(key); at >= 0 {
		return c.requests[at]
	}
	return request{}
}

// latestOf is where the session that has the name now is in the order of their creation.
func (c *checks) latestOf(key bos.SessionKey) int {
	for i := len(c.sessions) - 1; i >= 0; i-- {
		if c.sessions[i] == key {
			return i
		}
	}
	return -1
}

// working are the nodes that are in work, where sessions are held against each other.
func (c *checks) working() map[string]bos.Record {
	if c.w.config.Writes == 0 {
		return nil
	}
	enabled := true
	records, err := c.w.store.Components(c.w.ctx, bos.ComponentFilter{Enabled: &enabled})
	if err != nil {
		c.w.violated("load: %s", err)
	}
	all := make(map[string]bos.Record, len(records))
	for _, r := range records {
		all[r.ID] = r
	}
	return all
}

// overlaps holds the nodes that a session takes against whoever was at work on them right
// before, and the session against those that were created before it and after it.
func (c *checks) overlaps(s bos.SessionRecord, nodes []bos.Record, was map[string]bos.Record) {
	at := c.latestOf(s.Key())
	if at < 0 || s.Stage || was == nil || len(nodes) == 0 {
		return
	}
	asked := c.requests[at]
	mine := make(map[string]bool, len(nodes))
	for _, r := range nodes {
		mine[r.ID] = true
		prev, working := was[r.ID]
		if !working || prev.Session == "" || prev.Key() == s.Key() {
			continue
		}
		replaced := prev.Tenant == s.Key().Tenant && slices.Contains(asked.replaces, prev.Session)
		if replaced {
			c.w.happened(SessionReplaced)
		}
		if asked.overlap.Spares() && !replaced {
			c.w.violated("session %s, whose overlap is %s, takes %s from session %s, which is at work on it", s.Name, asked.overlap, r.ID, prev.Session)
		}
	}
	c.begun[at] = true
	for i, key := range c.sessions {
		switch other := c.requests[i]; {
		case c.latestOf(key) != i || i == at:
		case i > at && c.begun[i] && key.Tenant == s.Key().Tenant && slices.Contains(other.replaces, s.Name):
			c.w.violated("session %s is set up after session %s, which was created in its place and has begun", s.Name, key.Name)
		case i < at && asked.overlap == bos.OverlapQueue && c.before(i, mine) && (key.Tenant != s.Key().Tenant || !slices.Contains(asked.replaces, key.Name)):
			c.w.violated("session %s, whose overlap is queue, is set up before session %s, which was created before it for nodes of it", s.Name, key.Name)
		}
	}
}

// before reports whether a session is not set up yet that is for some of the nodes.
func (c *checks) before(i int, nodes map[string]bool) bool {
	key, asked := c.sessions[i], c.requests[i]
	if asked.stage || asked.misspelt || c.gone[key] {
		return false
	}
	if rec, err := c.w.store.Session(c.w.ctx, key); err != nil || rec.Status.Status != bos.SessionPending {
		return false
	}
	selected := c.selected(asked.limit)
	if key.Tenant != "" {
		of := c.w.tenantNodes()
		selected = slices.DeleteFunc(selected, func(id string) bool { return !slices.Contains(of, id) })
	}
	return slices.ContainsFunc(selected, func(id string) bool {
		r, ok := c.stored(id)
		return nodes[id] && ok && !r.Held.On()
	})
}

// ofSession holds what is sent to a node against the session that it is of, which has begun,
// and against the one for which it was ordered.
func (c *checks) ofSession(what string, r bos.Record) {
	if r.Session == "" {
		return
	}
	if s, err := c.w.store.Session(c.w.ctx, r.Key()); err == nil && s.Status.Status == bos.SessionPending && !c.anew[r.Key()] {
		c.w.violated("%s is sent to %s for session %s, which waits", what, r.ID, r.Session)
	}
	if of, ok := c.orderedFor[r.ID]; ok && of != r.Key() {
		c.w.violated("%s is sent to %s as ordered for session %q, and the node is of session %q", what, r.ID, of.Name, r.Session)
	}
}

// spoilOverlap makes the mistakes that concern who goes first.
func (w *World) spoilOverlap(s *bos.SessionRecord) {
	switch w.config.Bug {
	case BugNoOverlap:
		s.Asked.Overlap = ""
	case BugForgetsReplaced:
		s.Asked.Replaces = nil
	default:
	}
}
