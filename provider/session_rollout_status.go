package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// rolloutStatusType is rollout_status.
var rolloutStatusType = func() types.ObjectType {
	of := make(map[string]attr.Type)
	for name := range rolloutStatusTexts() {
		of[name] = types.StringType
	}
	for name := range rolloutStatusCounts() {
		of[name] = types.Int64Type
	}
	return types.ObjectType{AttrTypes: of}
}()

func noRolloutStatus() types.Object { return types.ObjectNull(rolloutStatusType.AttrTypes) }

func rolloutStatusValue(s bos.RolloutStatus) types.Object {
	number := 0
	for i, b := range s.Batches {
		if b.Name == s.Batch {
			number = i + 1
		}
	}
	count := func(n int) attr.Value { return types.Int64Value(int64(n)) }
	return types.ObjectValueMust(rolloutStatusType.AttrTypes, map[string]attr.Value{
		"phase": types.StringValue(string(s.Phase)), "held_by": types.StringValue(string(s.HeldBy)), "detail": types.StringValue(s.Detail),
		"batch": types.StringValue(s.Batch), "failed_nodes": types.StringValue(s.FailedNodes),
		"batch_number": count(number), "batch_count": count(len(s.Batches)),
		"waiting": count(s.Waiting), "in_flight": count(s.InFlight), "done": count(s.Done), "failed": count(s.Failed), "left": count(s.Left),
		"failure_budget": count(s.FailureBudget), "max_unavailable": count(s.MaxUnavailable), "max_in_flight": count(s.MaxInFlight),
	})
}

// batchesOf are the batches of a preview; null without a rollout.
func batchesOf(p bos.Preview) types.List {
	if len(p.Batches) == 0 {
		return types.ListNull(plannedBatchType)
	}
	batches := make([]attr.Value, len(p.Batches))
	for i, b := range p.Batches {
		batches[i] = types.ObjectValueMust(plannedBatchType.AttrTypes, map[string]attr.Value{
			"name": types.StringValue(b.Name), "node_count": types.Int64Value(int64(b.Count)), "nodes": types.StringValue(b.Nodes),
		})
	}
	return types.ListValueMust(plannedBatchType, batches)
}

// rolloutStatusOf asks how far the rollout of a session is; nil for a session without
// one, and for a service that has none.
func rolloutStatusOf(ctx context.Context, c *client.Client, session string) (*bos.RolloutStatus, error) {
	caps, err := c.Capabilities(ctx)
	if err != nil || !client.Has(caps, bos.ExtensionRollouts) {
		return nil, err
	}
	status, err := c.Rollout(ctx, session)
	switch {
	case client.IsNotFound(err):
		return nil, nil //nolint:nilnil // that there is none is an answer
	case err != nil:
		return nil, err
	}
	return &status, nil
}

// rolls reports whether the session goes through its nodes in batches: since it was told
// to, or since its template has an order of boot sets.
func (m *sessionModel) rolls() bool {
	return !m.Rollout.IsNull() || len(m.PlannedBatches.Elements()) > 0
}

// mayRoll reports whether it does, or nobody can say yet.
func (m *sessionModel) mayRoll() bool { return m.rolls() || m.PlannedBatches.IsUnknown() }

// observeRollout takes over how far the rollout of a session is that has one. What BOS
// does not say now stays as it was.
func (m *sessionModel) observeRollout(ctx context.Context, c *client.Client) *bos.RolloutStatus {
	if !m.rolls() || m.RecordExpired.ValueBool() {
		return nil
	}
	status, err := rolloutStatusOf(ctx, c, m.Name.ValueString())
	if err != nil {
		tflog.Debug(ctx, "the rollout of the BOS session cannot be read now", map[string]any{"session": m.Name.ValueString(), "error": err.Error()})
	}
	if status == nil {
		return nil
	}
	m.RolloutStatus = rolloutStatusValue(*status)
	return status
}

// keptRollout is how far the rollout was when it was looked at last, without its
// batches; false where there is none.
func (m *sessionModel) keptRollout() (s bos.RolloutStatus, ok bool) {
	if m.RolloutStatus.IsNull() || m.RolloutStatus.IsUnknown() {
		return s, false
	}
	of := m.RolloutStatus.Attributes()
	text := func(name string) string {
		value, _ := of[name].(types.String)
		return value.ValueString()
	}
	count := func(name string) int {
		value, _ := of[name].(types.Int64)
		return int(value.ValueInt64())
	}
	return bos.RolloutStatus{
		Session: m.Name.ValueString(), Tenant: m.Tenant.ValueString(), Phase: bos.RolloutPhase(text("phase")), HeldBy: bos.RolloutHold(text("held_by")),
		Detail: text("detail"), Batch: text("batch"), FailedNodes: text("failed_nodes"),
		RolloutCounts: bos.RolloutCounts{Waiting: count("waiting"), InFlight: count("in_flight"), Done: count("done"), Failed: count("failed"), Left: count("left")},
	}, true
}

// rolloutSaid says of a session that is not over how far its rollout is, what holds it
// and what to do about that; empty where there is nothing to say.
func (m *sessionModel) rolloutSaid() string {
	s, ok := m.keptRollout()
	if !ok {
		return ""
	}
	under := ""
	if s.Batch != "" {
		under = " in " + s.Batch
	}
	said := fmt.Sprintf("Its rollout is %s%s: %d nodes wait, %d are in work, %d are done, %d failed.", s.Phase, under, s.Waiting, s.InFlight, s.Done, s.Failed)
	if s.HeldBy != bos.HoldNone {
		said += fmt.Sprintf(" It is held by %s: %s.", s.HeldBy, strings.TrimSuffix(s.Detail, "."))
	}
	return said + waysOn(s)
}

// waysOn are the commands that a rollout waits for, to be pasted.
func waysOn(s bos.RolloutStatus) string {
	ways := s.WaysOn()
	if len(ways) == 0 {
		return ""
	}
	return "\n\n    " + strings.Join(ways, "\n    ")
}

// heldSummary is the headline of a rollout that waits for somebody's decision.
func (m *sessionModel) heldSummary(s bos.RolloutStatus) string {
	if s.Phase != bos.RolloutHalted {
		return headline(fmt.Sprintf("The canary of session %s is healthy; the other batches wait for its promotion", s.Session), "")
	}
	if s.Failed == 0 {
		return fmt.Sprintf("The rollout of session %s has halted", s.Session)
	}
	return headline(fmt.Sprintf("The rollout of session %s has halted, as %s failed to %s", s.Session, nodes(int64(s.Failed)), m.Operation.ValueString()), s.FailedNodes)
}

// heldDetail says what is done, which nodes failed and why, and what to do.
func (m *sessionModel) heldDetail(s bos.RolloutStatus, failures []failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Session %s (%s of template %q) stands at %s: %d of its nodes are done, %d failed, %d wait for their turn.", s.Session, m.Operation.ValueString(),
		m.TemplateName.ValueString(), s.Place(), s.Done, s.Failed, s.Waiting)
	if s.Phase == bos.RolloutHalted {
		fmt.Fprintf(&b, "\nBOS says: %s\n", s.Detail)
	}
	writeFailures(&b, failures)
	fmt.Fprintf(&b, "\n\nNothing goes on before somebody decides, so Terraform does not wait for it. One of\n\n    %s\n\nand then the next apply, which resumes waiting and starts "+
		"no other session; what is done is not done again.", strings.Join(s.WaysOn(), "\n    "))
	return b.String()
}

// refuseRollout says at plan that a rollout cannot be carried out here.
func (r *sessionResource) refuseRollout(ctx context.Context, plan *sessionModel, diags *diag.Diagnostics) {
	if plan.Rollout.IsNull() || plan.Rollout.IsUnknown() || r.shared == nil || r.shared.client == nil {
		return
	}
	at := path.Root("rollout")
	c := r.shared.reach(plan.Tenant, diags)
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return // the preview says that BOS does not answer
	}
	if !client.Has(caps, bos.ExtensionRollouts) {
		diags.AddAttributeError(at, "This BOS has no rollouts", fmt.Sprintf("The BOS at %s %s, and would start all nodes of the session at once. Plan against a "+
			"BOS that announces the extension %q, as the bundled service does; or leave rollout out and run one bos_session for each batch, with limit, as with "+
			"the function xname_chunk.", c.Endpoint(), whoIs(caps), bos.ExtensionRollouts))
		return
	}
	if r.shared.embedded == nil || !fullyKnown(ctx, plan.Rollout) {
		return
	}
	if rollout, err := rolloutOf(ctx, plan.Rollout); err == nil && rollout.HasCanary() && !rollout.AutoPromote {
		diags.AddAttributeError(at.AtName("auto_promote"), "Nobody could promote the canary", "The embedded BOS acts during an apply only and cannot be asked between applies. Set "+
			"auto_promote = true, leave the canary out, or use a BOS that runs by itself.")
	}
}

// keepsRollout says that a session which is not over goes on with the rollout that it
// was created with.
func (r *sessionResource) keepsRollout(plan, state *sessionModel, diags *diag.Diagnostics) {
	if plan.Rollout.Equal(state.Rollout) || state.complete() || state.RecordExpired.ValueBool() || r.shared.isApplying() {
		return
	}
	diags.AddAttributeWarning(path.Root("rollout"), fmt.Sprintf("Session %s keeps the rollout that it has", state.Name.ValueString()),
		fmt.Sprintf("Session %s is %s, and BOS changes no rollout under way: what is new here counts from the next session on. To have it now, cancel this session and "+
			"run another.", state.Name.ValueString(), state.Status.ValueString()))
}

// maxBatchLines is how many batches a plan writes out for people.
const maxBatchLines = 20

// writeBatches says in which batches nodes are started.
func (m *sessionModel) writeBatches(b *strings.Builder, p bos.Preview) {
	if len(p.Batches) == 0 {
		return
	}
	fmt.Fprintf(b, "\nStarted in %s:", batches(len(p.Batches)))
	for i, batch := range p.Batches {
		if i == maxBatchLines {
			fmt.Fprintf(b, "\n  ... and %d more, see planned_batches", len(p.Batches)-i)
			break
		}
		fmt.Fprintf(b, "\n  %s: %s, %s", batch.Name, nodes(int64(batch.Count)), batch.Nodes)
	}
	rollout, err := rolloutOf(context.Background(), m.Rollout)
	if err != nil || rollout == nil {
		return
	}
	if p.Batches[0].Canary && len(p.Batches) > 1 && !rollout.AutoPromote {
		b.WriteString("\nAfter the canary it waits until somebody promotes it.")
	}
	fmt.Fprintf(b, "\nIt halts when more than %s failed", nodes(int64(rollout.Budget(p.Count))))
	if p.Batches[0].Canary {
		b.WriteString(", or one of the canary did")
	}
	b.WriteString(".")
}

func batches(n int) string {
	if n == 1 {
		return "1 batch"
	}
	return fmt.Sprintf("%d batches", n)
}

// inBatches is how many batches a preview has, as a part of a sentence.
func inBatches(p bos.Preview) string {
	if len(p.Batches) == 0 {
		return ""
	}
	return " in " + batches(len(p.Batches))
}
