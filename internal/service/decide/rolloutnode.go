package decide

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// queueProbe is how often the power of a node that waits for its turn in a rollout is
// asked for: it says how many are out of service, and many may wait for long.
const queueProbe = 5 * time.Minute

// within is a decision on a node that has until the deadline of its rollout to be done:
// beyond it the node is given up, so that it keeps nobody waiting.
func (d Decision) within(r bos.Record, g Gate, now time.Time) Decision {
	if g.Deadline.IsZero() || !d.Next.Enabled || d.Why == ReasonStopped || r.Work.Drain.Waits() || d.Next.Work.Drain.Waits() {
		return d
	}
	if now.Before(g.Deadline) {
		if d.Wake.IsZero() || g.Deadline.Before(d.Wake) {
			d.Wake = g.Deadline
		}
		return d
	}
	r = resume(r, now)
	said := ""
	if r.Error != "" {
		said = " (last: " + r.Error + ")"
	}
	return fail(r, bos.CauseHealthyDeadline, ReasonHealthyDeadline, fmt.Sprintf("%s%s", bos.CauseHealthyDeadline.Sentence(), said))
}

// Queue plans the batches of the session's rollout and has the nodes that were armed
// wait for their turn in them.
func (p SetupPlan) Queue(s *bos.SessionRecord, result SetupResult) error {
	if s.Rollout == nil {
		return nil
	}
	armed := make(map[string]*bos.Record, len(result.Writes))
	for _, r := range result.Writes {
		armed[r.ID] = r
	}
	nodes := make([]bos.SelectedNode, 0, len(armed))
	for _, n := range p.Nodes {
		if armed[n.ID] != nil {
			nodes = append(nodes, n)
		}
	}
	batches, err := PlanBatches(s.Rollout.Spec, s.Operation, nodes)
	if err != nil {
		return err
	}
	state := *s.Rollout
	state.Batches, state.Phase = batches, bos.RolloutPlanned
	for i, b := range batches {
		ids, err := bos.Expand(b.Nodes, bos.MaxExpand)
		if err != nil {
			return fmt.Errorf("the nodes of %s: %w", b.Name, err)
		}
		for _, id := range ids {
			armed[id].Work.Batch = i + 1
		}
	}
	s.Rollout = &state
	return nil
}
