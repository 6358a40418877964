package decide

import (
	"fmt"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// BenchmarkSelectOneOfTenThousand is what creating a session with a limit costs
// at a large site.
func BenchmarkSelectOneOfTenThousand(b *testing.B) {
	var inv bos.Inventory
	for i := range 10_000 {
		inv.Nodes = append(inv.Nodes, bos.Node{ID: fmt.Sprintf("x%dc%ds%db%dn%d", 1000+i/256, i/32%8, i/4%8, i/2%2, i%2), Role: "Compute", Enabled: true})
	}
	req := Request{Reach: bos.WholeSite(), Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": {NodeRolesGroups: []string{"Compute"}}}}, Limit: inv.Nodes[5000].ID}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Select(req, inv); err != nil {
			b.Fatal(err)
		}
	}
}
