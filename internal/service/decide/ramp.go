package decide

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Usage is how much of the power limits is used: power actions under way, and
// those that were answered less than a window ago. Counting an action from its
// decision until a window after its answer makes the limits hold where it counts,
// at the BMCs, however long a call waits on its way.
type Usage struct {
	// Starts are power-ons, Actions are those and all others.
	Starts, Actions int
}

// Admits reports whether one more power action may start, given what is in use
// in all and in the node's cabinet.
func Admits(l bos.PowerLimits, op bos.PowerOp, all, cabinet Usage) bool {
	below := func(limit, used int) bool { return limit <= 0 || used < limit }
	if !below(l.Actions, all.Actions) || !below(l.CabinetActions, cabinet.Actions) {
		return false
	}
	return op != bos.PowerOn || below(l.Starts, all.Starts) && below(l.CabinetStarts, cabinet.Starts)
}

// longRampWait is when to decide again on a node that waits for its turn, should
// nobody call it before.
const longRampWait = 5 * time.Minute

// waitForTurn keeps a node waiting that could act now, for the limits are used up.
func waitForTurn(r bos.Record, p bos.Policy, now time.Time) Decision {
	r.Wait(bos.Waiting{For: bos.WaitPowerLimits, Detail: limitsText(p.Limits)})
	return Decision{Next: r, Wake: now.Add(max(longRampWait, p.Limits.Window)), Why: ReasonRampWait}
}

func limitsText(l bos.PowerLimits) string {
	text := ""
	for _, part := range []struct {
		limit int
		of    string
	}{
		{l.Starts, "power-ons"},
		{l.CabinetStarts, "power-ons per cabinet"},
		{l.Actions, "power actions"},
		{l.CabinetActions, "power actions per cabinet"},
	} {
		if part.limit <= 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", part.limit, part.of)
	}
	return fmt.Sprintf("%s in %s", text, l.Window)
}
