package decide

import (
	"cmp"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Batch is one effect for all the nodes that need it.
type Batch struct {
	Effect bos.Effect
	IDs    []string
}

// Batches groups nodes by equal effect, in a fixed order, at most size nodes
// in each batch; a size of 0 is no limit.
func Batches(effects map[string]bos.Effect, size int) []Batch {
	groups := make(map[bos.Effect][]string)
	for id, effect := range effects {
		if effect.Kind != bos.EffectNone {
			groups[effect] = append(groups[effect], id)
		}
	}
	var batches []Batch
	for effect, ids := range groups {
		slices.Sort(ids)
		if size <= 0 {
			size = len(effects)
		}
		for chunk := range slices.Chunk(ids, size) {
			batches = append(batches, Batch{Effect: effect, IDs: chunk})
		}
	}
	slices.SortFunc(batches, func(a, b Batch) int {
		return cmp.Or(cmp.Compare(a.Effect.Kind, b.Effect.Kind), cmp.Compare(a.IDs[0], b.IDs[0]))
	})
	return batches
}
