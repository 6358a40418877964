package provider

import (
	"cmp"
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// stillFailed are the nodes that failed in a session and do not run by now what it was
// to set: BOS is not done with them, they failed again, or what they run comes from
// something else. That is not known of nodes that were to be off, where a node cannot
// be named, of a session that failed as a whole, and where BOS does not say.
func (r *sessionResource) stillFailed(ctx context.Context, m *sessionModel) (left []string, known bool) {
	failed, err := bos.Expand(m.FailedNodes.ValueString(), bos.MaxExpand)
	if err != nil || m.asAWhole() || len(failed) == 0 || m.Operation.ValueString() == string(bos.OperationShutdown) || int64(len(failed)) != m.failedNodes() || r.shared == nil {
		return nil, false
	}
	var trouble diag.Diagnostics // the reminder is said as it was
	c := r.shared.reachStored(m.Tenant, &trouble)
	if trouble.HasError() || c == nil {
		return nil, false
	}
	records, err := c.Components(ctx, bos.ComponentFilter{IDs: failed})
	if err != nil {
		return nil, false
	}
	remedied := make(map[string]bool, len(failed))
	same := map[string]bool{m.Name.ValueString(): true}
	for _, record := range records {
		session := record.Session
		if session == "" || !runsWhatItShould(record) {
			continue
		}
		if _, asked := same[session]; !asked {
			same[session] = m.setsTheSame(ctx, c, session)
		}
		remedied[record.ID] = same[session]
	}
	for _, id := range failed {
		if !remedied[id] {
			left = append(left, id)
		}
	}
	return left, true
}

// runsWhatItShould reports whether a node is on, as far as BOS had a hand in it, and
// has said that it booted what it was to boot.
func runsWhatItShould(record bos.Component) bool {
	off := record.LastAction.Action == bos.ActionPowerOffGraceful || record.LastAction.Action == bos.ActionPowerOffForceful
	return cmp.Or(record.Status.Status, record.DeriveStatus()) == bos.StatusStable && record.Error == "" && !record.Enabled && !off &&
		!record.DesiredState.BootArtifacts.Empty() && record.ActualState.BootArtifacts.Matches(record.DesiredState.BootArtifacts)
}

// setsTheSame reports whether a later session set what this one was to set: it is of
// the same template, and turns nodes on as this one does.
func (m *sessionModel) setsTheSame(ctx context.Context, c *client.Client, name string) bool {
	later, err := c.Session(ctx, name)
	return err == nil && later.TemplateName == m.TemplateName.ValueString() && later.Operation != bos.OperationShutdown
}
