package sim

import (
	"maps"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// ended holds a node that BOS is done with against the room.
func (c *checks) ended(r bos.Record) {
	c.armed(r.ID)
	if r.DeriveStatus() == bos.StatusFailed {
		// Where attempts are used up, the cause is that of the last wait.
		if r.Work.Cause == bos.CauseUnknownToPower && strings.Contains(r.Error, "max_unreachable_time") {
			c.w.violated("%s failed because power control had forgotten everybody: %s", r.ID, r.Error)
		}
		if r.Work.Cause == bos.CauseNone || r.Work.Cause.Sentence() == "" || r.Error == "" {
			c.w.violated("%s failed without a cause: %q, %q", r.ID, r.Work.Cause, r.Error)
		}
		return
	}
	c.endsOff(r)
	if r.Excluded() {
		return
	}
	if name := r.DesiredState.Configuration; c.w.config.CFS && name != "" {
		told, _ := c.w.room.CFSComponents(machineroom.CFSFilter{IDs: []string{r.ID}}, 1, "", false, c.w.Now)
		if len(told) != 1 || told[0].Desired != name || bos.ConfigurationStatus(told[0].Status) != bos.ConfigurationDone {
			c.w.violated("%s counts as configured with %s, CFS says %+v", r.ID, name, told)
		}
	}
	if r.DesiredState.BootArtifacts.Empty() || r.Goal == bos.GoalConfigure { // which asks nobody whether a boot is through
		return
	}
	truth, _ := c.w.room.Node(r.ID, c.w.Now)
	if !truth.Booted || !decide.Matches(truth.Artifacts, r.DesiredState.BootArtifacts) {
		c.w.violated("%s counts as booted and is %s with %+v", r.ID, truth.Power, truth.Artifacts)
	}
}

// completed holds a session's last word against its nodes.
func (c *checks) completed(s bos.SessionRecord) {
	delete(c.w.open, s.Key())
	owned, err := c.w.store.Components(c.w.ctx, bos.ComponentFilter{Session: s.Name})
	if err != nil {
		c.w.violated("load: %s", err)
	}
	list, err := c.w.store.SessionComponents(c.w.ctx, s.Key())
	if err != nil {
		c.w.violated("load: %s", err)
	}
	if c.anew[s.Key()] { // what an earlier one of its name left is not its own
		own := strings.Split(list, ",")
		owned = slices.DeleteFunc(owned, func(r bos.Record) bool { return !slices.Contains(own, r.ID) })
	}
	for _, r := range owned {
		if r.Enabled {
			c.w.violated("session %s is complete and works on %s", s.Name, r.ID)
		}
	}
	// Those that others took over, or that were still staged when it was cancelled,
	// are counted as well, or are not its own any more.
	nodes, err := c.w.store.SessionNodes(c.w.ctx, s.Key(), "", len(c.w.room.Inventory().Nodes)+1)
	if err != nil {
		c.w.violated("load: %s", err)
	}
	if s.Extended == nil || list != "" && len(c.deleted) == 0 && s.Extended.ManagedComponentsCount != len(nodes) || len(nodes) < len(owned) {
		c.w.violated("session %s is complete and tells of %+v, it has %d nodes, and had %d", s.Name, s.Extended, len(owned), len(nodes))
	}
	for _, n := range nodes {
		if list != "" && (n.Status == "" || n.Finished.IsZero()) {
			c.w.violated("session %s is complete and says nothing of %s: %+v", s.Name, n.ID, n)
		}
	}
}

// history holds the events of a commit against what it wrote: each is about a
// record that was written, and each power action leaves one.
func (c *checks) history(commit bos.Commit, conflicts bos.Conflicts, before int64) {
	events, err := c.w.store.Events(c.w.ctx, bos.EventFilter{Seen: bos.WholeSite(), After: before})
	if err != nil {
		c.w.violated("events: %s", err)
	}
	written := make(map[string]bool)
	for _, r := range commit.Components {
		written[r.ID] = true
	}
	for _, id := range conflicts.Components {
		delete(written, id)
	}
	told := make(map[string]bool)
	for _, e := range events {
		if e.Component != "" && !written[e.Component] {
			c.w.violated("the history tells of %s of %s, whose record was not written", e.Kind, e.Component)
		}
		if decide.Reason(e.Kind) == decide.ReasonProven {
			c.w.happened(ProofSeen)
			at := slices.IndexFunc(commit.Components, func(r bos.Record) bool { return r.ID == e.Component })
			if at >= 0 && written[e.Component] {
				c.proven(commit.Components[at])
			}
		}
		if reason := decide.Reason(e.Kind); reason.Acts() {
			told[e.Component] = true
			c.ordered[e.Component], c.orderedFor[e.Component] = reason, bos.SessionKey{Tenant: e.Tenant, Name: e.Session}
		}
	}
	for _, r := range commit.Components {
		if !written[r.ID] {
			continue
		}
		before, now := c.acted[r.ID], action{r.Work.Attempt.At, r.Work.Flight.At}
		c.acted[r.ID] = now
		moved := !now.at.IsZero() && !now.at.Equal(before.at)
		putOff := r.Work.BackOff.PutOff != bos.CauseNone // what it was asked for is asked for again
		c.putOff[r.ID] = putOff
		stood := moved && !told[r.ID] && c.braked && !putOff
		begun := moved && !stood
		if stood { // for as long as it was paused
			c.attempts[attempt{r.ID, now.at}] = c.attempts[attempt{r.ID, before.at}]
		}
		again := r.Work.Attempt.Resent && !r.Work.Flight.Unanswered && !now.sent.Equal(before.sent) && !c.braked
		if begun {
			// Its time runs from here, also where the process stops before it sends.
			c.attempts[attempt{r.ID, now.at}] = sends{first: c.w.Now, stops: c.stops}
		}
		if key := (attempt{r.ID, now.at}); r.Work.Attempt.Resent && !begun && !now.sent.Equal(before.sent) {
			s := c.attempts[key]
			s.again = c.w.Now
			c.attempts[key] = s
		}
		if r.Enabled && (begun || again) && !told[r.ID] && !putOff {
			c.w.violated("%s of %s is not in the history", r.LastAction.Action, r.ID)
		}
	}
}

// end holds the room against what the sessions claim when all is over.
func (c *checks) end() {
	ids := c.w.room.Inventory().Nodes
	chosen := maps.Clone(c.byHand)
	for i, key := range c.sessions {
		if !c.requests[i].misspelt {
			for _, id := range c.selected(c.requests[i].limit) {
				chosen[id] = true
			}
		}
		if c.gone[key] {
			continue
		}
		rec, err := c.w.store.Session(c.w.ctx, key)
		if err != nil || rec.Status.Status != bos.SessionComplete {
			c.w.violated("session %s is %s at the end (%v)", key.Name, rec.Status.Status, err)
		}
	}
	c.rollout.over()
	c.w.drains.over()
	records, err := c.w.store.Components(c.w.ctx, bos.ComponentFilter{})
	if err != nil {
		c.w.violated("load: %s", err)
	}
	recorded := make(map[string]bool)
	for _, r := range records {
		recorded[r.ID] = true
		if r.Enabled {
			c.w.violated("%s is %s at the end: %s", r.ID, r.DeriveStatus(), r.Error)
		}
	}
	calm := c.w.config.Rollout == nil && !c.w.config.Drains.On() && c.w.config.Faults == (Faults{}) && len(c.w.config.Outages) == 0 && c.w.config.Writes+c.w.config.Patches == 0 && c.w.config.Meddle == 0 && len(c.sessions) == 1
	for _, n := range ids {
		if c.discovered[n.ID] && !recorded[n.ID] && !c.deleted[n.ID] {
			c.w.violated("%s has no record, and nobody deleted it", n.ID)
		}
		resets := c.w.room.Resets(n.ID)
		if !chosen[n.ID] && len(resets) > 0 {
			c.w.violated("%s was reset although no session touches it", n.ID)
		}
		if calm && len(resets) > 1 {
			c.w.violated("%s was reset %d times, once was needed", n.ID, len(resets))
		}
	}
}

func (c *checks) selected(limit string) []string {
	inventory := c.w.room.Inventory()
	var ids []string
	for _, n := range inventory.Nodes {
		ids = append(ids, n.ID)
	}
	if strings.TrimSpace(limit) == "" {
		return ids
	}
	parsed, err := bos.ParseLimit(limit)
	if err != nil {
		c.w.violated("limit: %s", err)
		return nil
	}
	return parsed.Apply(inventory, ids)
}
