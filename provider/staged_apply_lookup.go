package provider

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// stagedBefore is what was staged before a request to apply it, from which it
// shows afterwards whether BOS got that request.
type stagedBefore struct {
	// owner is the session that staged something for a node.
	owner map[string]string
	// touched is when BOS last touched those of the nodes that belonged to this
	// session already, since the same was applied to them before and stays staged
	// without the option clear_stage; zero if there are none.
	touched time.Time
}

// privateOwned keeps touched while nobody knows whether BOS got the request.
const privateOwned = "owned_before"

func stagedIn(records []bos.Component) stagedBefore {
	b := stagedBefore{owner: make(map[string]string, len(records))}
	for _, record := range records {
		b.owner[record.ID] = record.StagedState.Session
		if at := touched(record); record.StagedState.Session != "" && record.Session == record.StagedState.Session && at.After(b.touched) {
			b.touched = at
		}
	}
	return b
}

// touched is when BOS last acted on a node, or was told what it should run.
func touched(record bos.Component) time.Time {
	acted, told := record.LastAction.LastUpdated.Time, record.DesiredState.LastUpdated.Time
	if told.After(acted) {
		return told
	}
	return acted
}

// has reports whether a node took what was staged for it: the session that staged
// it owns the node now, and not just from the time before.
func (b stagedBefore) has(record bos.Component) bool {
	owner := b.owner[record.ID]
	return owner != "" && record.Session == owner && record.LastAction.Action != "" && (b.touched.IsZero() || touched(record).After(b.touched))
}

// underWay are the nodes that BOS is bringing to what is staged for them right now,
// since the same was applied a moment ago, as by an apply that was killed. To apply
// it again would break that off and take them down once more. only, which may be
// empty, is the session whose staged state is meant.
func underWay(records []bos.Component, only string) (ids []string) {
	for _, record := range records {
		if record.Enabled && tookStaged(record) && (only == "" || record.Session == only) {
			ids = append(ids, record.ID)
		}
	}
	return ids
}

// without are the names but for some of them.
func without(names, some []string) []string {
	gone := make(map[string]bool, len(some))
	for _, name := range some {
		gone[name] = true
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return gone[name] })
}

// tookStaged reports whether a node shall run what is staged for it.
func tookStaged(record bos.Component) bool {
	staged, desired := record.StagedState, record.DesiredState
	return staged.Session != "" && record.Session == staged.Session && staged.Configuration == desired.Configuration &&
		staged.BootArtifacts == desired.BootArtifacts
}

func (b stagedBefore) noted() []byte {
	return fmt.Appendf(nil, "%q", b.touched.UTC().Format(time.RFC3339))
}

// notedTime is the time that was noted, zero if none was.
func notedTime(noted []byte) time.Time {
	at, err := time.Parse(`"`+time.RFC3339+`"`, string(noted))
	if err != nil {
		return time.Time{}
	}
	return at
}

// lookUp finds out what became of a request that got no answer, for the nodes
// that no answer before it names; not known if the nodes cannot be looked at.
func (r *stagedApplyResource) lookUp(ctx context.Context, c *client.Client, names []string, was stagedBefore, answer bos.StagedOutcome,
	diags *diag.Diagnostics, cause error,
) (all bos.StagedOutcome, known bool) {
	answered := make(map[string]bool)
	for _, id := range slices.Concat(answer.Succeeded, answer.Failed, answer.Ignored) {
		answered[id] = true
	}
	rest := slices.DeleteFunc(slices.Clone(names), func(id string) bool { return answered[id] })
	records, err := c.Components(context.WithoutCancel(ctx), bos.ComponentFilter{IDs: rest})
	if err != nil {
		diags.AddWarning("Staged state may or may not be applied", fmt.Sprintf("%s\n\nThe nodes could not be looked at either: %s\n\nThe next plan looks at them; "+
			"nothing is applied a second time.", explain(cause), explain(err)))
		return answer, false
	}
	found := was.took(records)
	if waiting := was.waiting(records); len(waiting) > 0 {
		// A request that was lost and one that is still on its way look alike.
		diags.AddWarning("Staged state may or may not be applied",
			fmt.Sprintf("%s\n\nRight afterwards it was still staged for %s: %s. The next plan looks at them; nothing is applied a "+
				"second time.", explain(cause), nodes(int64(len(waiting))), bos.Fold(waiting)))
		return answer, false
	}
	diags.AddWarning("BOS did not say whether it applied the staged state",
		fmt.Sprintf("%s\n\nBy the records of the nodes it did so for %s; it is not asked a second time.", explain(cause), nodes(int64(len(answer.Succeeded)+len(found.Succeeded)))))
	answer.Succeeded, answer.Ignored = append(answer.Succeeded, found.Succeeded...), append(answer.Ignored, found.Ignored...)
	return answer, true
}

// took says by the records of nodes which of them took what was staged for them.
func (b stagedBefore) took(records []bos.Component) (answer bos.StagedOutcome) {
	for _, record := range records {
		if b.has(record) {
			answer.Succeeded = append(answer.Succeeded, record.ID)
		} else {
			answer.Ignored = append(answer.Ignored, record.ID)
		}
	}
	return answer
}

// waiting are the nodes for which what was staged before the request is staged
// still.
func (b stagedBefore) waiting(records []bos.Component) (ids []string) {
	for _, record := range records {
		if owner := b.owner[record.ID]; owner != "" && record.StagedState.Session == owner && !b.has(record) {
			ids = append(ids, record.ID)
		}
	}
	return ids
}

// confirm looks at the nodes of a request of which nobody could say whether BOS
// got it; false if it did not, so that nothing was applied.
func (r *stagedApplyResource) confirm(ctx context.Context, c *client.Client, m *stagedApplyModel, noted []byte) (applied bool, err error) {
	names, err := wanted(m.Xnames)
	if err != nil {
		return false, err
	}
	records, err := c.Components(ctx, bos.ComponentFilter{IDs: names})
	if err != nil {
		return false, err
	}
	was := stagedBefore{owner: make(map[string]string, len(names)), touched: notedTime(noted)}
	for session, ids := range m.owned(ctx) {
		for _, id := range ids {
			was.owner[id] = session
		}
	}
	answer := was.took(records)
	m.take(completed(names, answer), was.owner)
	return len(answer.Succeeded) > 0, nil
}

// unfinishedSummary names the nodes that BOS was never done with.
func (m *stagedApplyModel) unfinishedSummary() string {
	return headline(fmt.Sprintf("BOS was never done with %s after their staged state was applied", nodes(int64(len(m.unfinished)))), bos.Fold(m.unfinished))
}

func (m *stagedApplyModel) unfinishedDetail() string {
	return fmt.Sprintf("%s: another session took them over, or somebody disabled them, before BOS was done with them. They may run something "+
		"else, or be off.", bos.Fold(m.unfinished))
}
