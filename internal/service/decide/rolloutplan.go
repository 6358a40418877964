package decide

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// PlanBatches divides the nodes of a session into the batches of its rollout: those of
// each ordinal for themselves, the canary first. The same nodes make the same batches,
// so that a preview shows them by name.
func PlanBatches(r bos.Rollout, op bos.Operation, nodes []bos.SelectedNode) ([]bos.RolloutBatch, error) {
	byOrdinal := make(map[int][]string)
	var ordinals []int
	for _, n := range nodes {
		at := r.Ordinal(op, n.BootSet)
		if byOrdinal[at] == nil {
			ordinals = append(ordinals, at)
		}
		byOrdinal[at] = append(byOrdinal[at], n.ID)
	}
	slices.Sort(ordinals)
	plan := batchPlan{rollout: r, total: len(nodes)}
	for i, at := range ordinals {
		rest := byOrdinal[at]
		slices.SortFunc(rest, bos.CompareXnames)
		if i == 0 && r.HasCanary() {
			canary, others, err := canaryOf(r, rest, len(nodes))
			if err != nil {
				return nil, err
			}
			plan.add(bos.RolloutBatch{Name: "canary", Canary: true, Ordinal: at}, canary)
			rest = others
		}
		if err := plan.divide(at, rest); err != nil {
			return nil, err
		}
	}
	return plan.batches, nil
}

// canaryOf takes the canary out of the nodes that go first.
func canaryOf(r bos.Rollout, nodes []string, total int) (canary, rest []string, err error) {
	if r.CanaryNodes == "" {
		n := min(r.Canary.Of(total), len(nodes))
		return nodes[:n], nodes[n:], nil
	}
	named, err := bos.Expand(r.CanaryNodes, bos.MaxExpand)
	if err != nil {
		return nil, nil, bos.Invalidf("rollout.canary_nodes", "%s", err)
	}
	chosen := make(map[string]bool, len(named))
	for _, id := range bos.CanonicalIDs(named) {
		chosen[id] = true
	}
	for _, id := range nodes {
		if chosen[id] {
			canary = append(canary, id)
			delete(chosen, id)
		} else {
			rest = append(rest, id)
		}
	}
	if len(chosen) > 0 {
		return nil, nil, bos.Invalidf("rollout.canary_nodes", "%s is not among the nodes that the session begins with; name nodes that it selects, of the lowest ordinal", short(sortedIDs(chosen)))
	}
	return canary, rest, nil
}

func sortedIDs(set map[string]bool) []string {
	ids := make([]string, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, bos.CompareXnames)
	return ids
}

type batchPlan struct {
	rollout bos.Rollout
	total   int
	batches []bos.RolloutBatch
	numbers int
}

func (p *batchPlan) add(b bos.RolloutBatch, nodes []string) {
	b.Count, b.Nodes = len(nodes), bos.Fold(nodes)
	p.batches = append(p.batches, b)
}

// divide cuts the nodes of one ordinal.
func (p *batchPlan) divide(ordinal int, nodes []string) error {
	groups := p.groups(nodes)
	for k := 0; len(groups) > 0; k++ {
		size, taken := p.size(k, len(nodes)), []string(nil)
		for len(groups) > 0 && (len(taken) == 0 || len(taken)+len(groups[0]) <= size) {
			taken, groups = append(taken, groups[0]...), groups[1:]
		}
		if len(p.batches) == bos.MaxRolloutBatches {
			return bos.Invalidf("rollout.batches", "%d nodes in batches of %d are more than %d batches; make them larger", p.total, size, bos.MaxRolloutBatches)
		}
		p.numbers++
		p.add(bos.RolloutBatch{Name: fmt.Sprintf("batch %d", p.numbers), Ordinal: ordinal}, taken)
	}
	return nil
}

// groups are the nodes that are not parted: sorted nodes of a cabinet or a chassis are
// neighbours.
func (p *batchPlan) groups(nodes []string) (groups [][]string) {
	of := func(id string) string { return id }
	switch p.rollout.By {
	case bos.ByCabinet:
		of = bos.CabinetOf
	case bos.ByChassis:
		of = bos.ChassisOf
	case bos.ByNone, "":
	}
	for i, id := range nodes {
		if group := of(id); i == 0 || group == "" || group != of(nodes[i-1]) {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], id)
	}
	return groups
}

// size is how many nodes the k-th batch of an ordinal may have.
func (p *batchPlan) size(k, all int) int {
	r := p.rollout
	if n := len(r.Batches); n > 0 {
		return r.Batches[min(k, n-1)].Of(p.total)
	}
	first := r.InitialBatch.Of(p.total)
	switch r.Strategy {
	case bos.StrategyFixed:
		return first
	case bos.StrategyLinear:
		return first + k*r.Growth()
	case bos.StrategyExponential:
		size := first
		for range k {
			if size *= r.Growth(); size >= p.total {
				return p.total
			}
		}
		return size
	default:
		return all
	}
}

// RolloutBatches are the batches of the nodes that a session selects; none without a
// rollout.
func RolloutBatches(req Request, sel Selection) ([]bos.RolloutBatch, error) {
	if req.Rollout == nil {
		return nil, nil
	}
	if err := bos.CheckOrdinals(req.Template, "rollout.", req.Rollout.BootOrdinal, req.Rollout.ShutdownOrdinal); err != nil {
		return nil, err
	}
	var nodes []bos.SelectedNode
	for _, set := range sel.BootSets {
		for _, id := range set.Nodes {
			nodes = append(nodes, bos.SelectedNode{ID: id, BootSet: set.Name})
		}
	}
	return PlanBatches(*req.Rollout, req.Operation, nodes)
}

// batchDiff says that nodes would be started in other batches than planned.
func batchDiff(planned, current bos.Preview) []string {
	if slices.Equal(planned.Batches, current.Batches) {
		return nil
	}
	count := func(p bos.Preview) string {
		switch n := len(p.Batches); n {
		case 0:
			return "all at once"
		case 1:
			return "in 1 batch"
		default:
			return fmt.Sprintf("in %d batches", n)
		}
	}
	before, after := count(planned), count(current)
	if before == after {
		return []string{"the batches of the rollout have other nodes"}
	}
	return []string{fmt.Sprintf("the nodes are started %s instead of %s", after, before)}
}

// rolloutText is the rollout as a pin covers it; empty without one.
func rolloutText(req Request) []byte {
	if req.Rollout == nil {
		return nil
	}
	text, err := json.Marshal(req.Rollout)
	if err != nil {
		text = []byte(err.Error()) // texts, numbers and times always marshal
	}
	return fmt.Appendf(nil, "rollout %s\n", text)
}
