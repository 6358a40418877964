package doctor

import (
	"context"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/wlm"
)

// workload asks the workload manager about every node. Nothing is drained.
func (d *doctor) workload(ctx context.Context, s *section) {
	what, value := "workload", d.Workload.Manager
	if err := d.parts.Faults[what]; err != nil {
		s.failed(what, value, err)
		return
	}
	manager, ok := d.parts.Workload.(*wlm.Manager)
	switch {
	case !ok:
		return
	case len(d.site.nodes) == 0:
		s.warn(what, value, "not tried, as no node is known to ask about", "mend the inventory first")
		return
	}
	ids := make([]string, len(d.site.nodes))
	for i, n := range d.site.nodes {
		ids[i] = n.ID
	}
	unknown, err := manager.Check(ctx, ids)
	switch {
	case err != nil:
		s.failed(what, value, err)
	case len(unknown) == 0:
		s.ok(what, value, "it knows all %d nodes", len(ids))
	case len(unknown) == len(ids):
		s.bad(what, value, fmt.Sprintf("it answers, and knows none of the %d nodes", len(ids)), "say what it calls them by workload.name_format or workload.names_file")
	case d.Workload.Unmanaged == string(bos.UnmanagedBoot):
		s.ok(what, value, "it knows %d of %d nodes; the others are booted without it", len(ids)-len(unknown), len(ids))
	default:
		s.warn(what, value, fmt.Sprintf("it does not know %d of %d nodes (%s), which fail when a session comes to them", len(unknown), len(ids), bos.Fold(unknown)),
			"say what it calls them by workload.name_format or workload.names_file, or set workload.unmanaged to boot")
	}
}
