package board

import (
	"cmp"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// byCause are nodes that failed, by why.
type byCause map[bos.Cause]map[string]bool

func (f byCause) add(m member) {
	if f[m.Cause] == nil {
		f[m.Cause] = make(map[string]bool)
	}
	f[m.Cause][m.ID] = true
}

// groupsOf are the nodes that failed, by cause, the most first.
func groupsOf(failed byCause) []bos.FailureGroup {
	groups := []bos.FailureGroup{}
	for cause, nodes := range failed {
		if len(nodes) == 0 {
			continue
		}
		ids := make([]string, 0, len(nodes))
		for id := range nodes {
			ids = append(ids, id)
		}
		groups = append(groups, bos.FailureGroup{Cause: cause, Sentence: cause.Sentence(), Count: len(ids), Nodes: bos.Fold(ids)})
	}
	slices.SortFunc(groups, func(a, b bos.FailureGroup) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Cause, b.Cause)) })
	return groups
}
