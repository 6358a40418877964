package sim

import (
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// expiring are the sessions that a commit is to delete, as they are before it.
func (c *checks) expiring(list []bos.ChangedSession) []bos.SessionRecord {
	var was []bos.SessionRecord
	for _, s := range list {
		if rec, err := c.w.store.Session(c.w.ctx, s.Key); err == nil {
			was = append(was, rec)
		}
	}
	return was
}

// expired holds sessions that were deleted against their age: a clock that was set
// forward by days makes them old by it.
func (c *checks) expired(was []bos.SessionRecord, conflicts bos.Conflicts) {
	ttl, err := bos.ParseAge(bos.DefaultOptions().CleanupCompletedSessionTTL)
	for _, s := range was {
		if slices.Contains(conflicts.Sessions, s.Key()) {
			continue
		}
		c.gone[s.Key()], c.old[s.Key()] = true, s
		if age := c.w.wall().Sub(s.Status.StartTime.Time); err != nil || s.Status.Status != bos.SessionComplete || age < ttl {
			c.w.violated("session %s, which is %s, is deleted as old after %s of %s (%v)", s.Name, s.Status.Status, age, ttl, err)
		}
	}
}
