package decide

import (
	"cmp"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Batch is one effect for all the nodes of one session that need it.
type Batch struct {
	Effect  bos.Effect
	Session string
	IDs     []string
}

// Wanted is what one node needs, and for which session.
type Wanted struct {
	Effect  bos.Effect
	Session string
}

// Batches groups nodes by equal effect and session, in a fixed order, at most
// size nodes in each batch; a size of 0 is no limit.
func Batches(wanted map[string]Wanted, size int) []Batch {
	groups := make(map[Wanted][]string)
	for id, w := range wanted {
		if w.Effect.Kind != bos.EffectNone {
			groups[w] = append(groups[w], id)
		}
	}
	if size <= 0 {
		size = len(wanted)
	}
	var batches []Batch
	for w, ids := range groups {
		slices.Sort(ids)
		for chunk := range slices.Chunk(ids, size) {
			batches = append(batches, Batch{Effect: w.Effect, Session: w.Session, IDs: chunk})
		}
	}
	slices.SortFunc(batches, func(a, b Batch) int {
		return cmp.Or(cmp.Compare(a.Effect.Kind, b.Effect.Kind), cmp.Compare(a.IDs[0], b.IDs[0]))
	})
	return batches
}
