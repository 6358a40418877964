package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// stagedReceipts are the numbers that this walk was given to apply staged state by.
type stagedReceipts struct {
	// walk names this walk: a number that an earlier one was given was reviewed.
	walk  string
	mu    sync.Mutex
	given map[string]bos.StagedReceipt
}

func newStagedReceipts() *stagedReceipts {
	return &stagedReceipts{walk: uuid.NewString(), given: make(map[string]bos.StagedReceipt)}
}

// keep notes a number that was given.
func (s *stagedReceipts) keep(receipt bos.StagedReceipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given[receipt.Receipt] = receipt
}

// numberFor is the number that staged state is applied by, where the plan has a
// number: that of the earlier application where the plan said that the apply goes on
// with it. A plan that knew no nodes said nothing of an earlier one, so the apply does
// not repeat that either, unless something else was staged since, as by itself.
func (s *stagedReceipts) numberFor(number string) string {
	if s == nil {
		return number
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	receipt := s.given[number]
	if ran := receipt.Ran; ran != nil && (ran.InFlight || receipt.Walk == s.walk && !ran.Anew) {
		return ran.Receipt
	}
	return number
}

// runKey stands for what is applied for which nodes, with all that has it applied
// again; empty while something of it is not known.
func (m *stagedApplyModel) runKey(kind string) string {
	names, err := wanted(m.Xnames)
	if err != nil || !sameNames(m.Xnames, m.Xnames) || m.Tenant.IsUnknown() || m.Session.IsUnknown() || m.Triggers.IsUnknown() {
		return ""
	}
	triggers := make(map[string]string, len(m.Triggers.Elements()))
	for key, value := range m.Triggers.Elements() {
		text, ok := value.(types.String)
		if !ok || text.IsUnknown() {
			return ""
		}
		triggers[key] = text.ValueString()
	}
	content, err := json.Marshal([]any{kind, m.Tenant.ValueString(), m.Session.ValueString(), bos.Fold(names), triggers})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// stagedPlan is what there is to plan staged state by.
type stagedPlan struct {
	// receipt is the number to apply it by; nil on a BOS that gives none, and while
	// something is not known.
	receipt *bos.StagedReceipt
	// plain says that BOS gives no numbers; then taken are the nodes that what is
	// staged was applied to before, last at again.
	plain bool
	taken []string
	again time.Time
}

// prepare asks BOS for the number to apply staged state by. A BOS that gives none is
// asked which nodes have taken what is staged. That it does not answer is an error, as
// it is for a session.
func (r *stagedApplyResource) prepare(ctx context.Context, m *stagedApplyModel, reuse bool, diags *diag.Diagnostics) (p stagedPlan) {
	key := m.runKey(r.kind)
	if key == "" || r.shared == nil || r.shared.client == nil {
		return p
	}
	c := r.shared.reach(m.Tenant, diags)
	err := r.ask(ctx, c, m, key, reuse, &p)
	switch {
	case err == nil:
	case isGuard(err):
		diags.AddError(titleGuarded+" of the provider block", explain(err))
	case r.shared.requirePreview.IsNull() || r.shared.requirePreview.ValueBool():
		unable(diags, "plan to apply staged state", err)
	default:
		diags.AddWarning("Cannot say whether this staged state was applied before", capital(explain(err))+" Applied like this, it may be applied a second time.")
	}
	return p
}

func (r *stagedApplyResource) ask(ctx context.Context, c *client.Client, m *stagedApplyModel, key string, reuse bool, p *stagedPlan) error {
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	if client.Has(caps, bos.ExtensionStagedReceipts) {
		receipt, err := c.StagedReceipt(ctx, bos.StagedReceiptRequest{
			RunKey: key, Walk: r.shared.staged.walk, Reuse: reuse, Receipt: reviewed(ctx), Guards: r.shared.guardsToSend(),
		})
		if err != nil {
			return err
		}
		r.shared.staged.keep(receipt)
		p.receipt = &receipt
		return nil
	}
	p.plain = true
	names, err := wanted(m.Xnames)
	if err != nil {
		return err
	}
	records, err := c.Components(ctx, bos.ComponentFilter{IDs: names})
	if err != nil {
		return err
	}
	p.taken, p.again = taken(records, m.Session.ValueString())
	return nil
}

// taken are the idle nodes that what is staged was applied to before, and when it was
// for the last of them. only, which may be empty, is the session whose staged state is
// meant.
func taken(records []bos.Component, only string) (ids []string, last time.Time) {
	for _, record := range records {
		if record.Enabled || !tookStaged(record) || only != "" && record.Session != only {
			continue
		}
		ids = append(ids, record.ID)
		if at := record.DesiredState.LastUpdated.Time; at.After(last) {
			last = at
		}
	}
	return ids, last
}

// foretoldBy is what applying is going to do. It is what Terraform holds the apply to,
// also one by a plan that was carried out before: what a second application is said to
// do differs from what the first one was. Where that is not known to stay until the
// apply, it is unknown.
func (r *stagedApplyResource) foretoldBy(ctx context.Context, m *stagedApplyModel, p stagedPlan) types.String {
	effect := m.foretold()
	again := func(at string) types.String {
		if effect.IsUnknown() {
			return effect
		}
		return types.StringValue(fmt.Sprintf("%s (again, after %s)", effect.ValueString(), at))
	}
	switch {
	case p.receipt != nil && p.receipt.Ran != nil && !p.receipt.Ran.InFlight:
		// Also where something else was staged since: a plan that was carried out before
		// has not reviewed that.
		if r.shared.applyingSet || reviewed(ctx) != "" {
			return again(p.receipt.Ran.AppliedAt.String())
		}
		return types.StringUnknown()
	case p.plain && len(p.taken) > 0 && !m.Session.IsNull():
		return again(bos.At(p.again).String())
	case p.plain && len(p.taken) > 0:
		return types.StringUnknown()
	}
	return effect
}

// writeOnce says how often a plan applies staged state.
func (r *stagedApplyResource) writeOnce(b *strings.Builder, m *stagedApplyModel, p stagedPlan) {
	switch {
	case p.receipt != nil && p.receipt.Ran == nil:
	case p.receipt != nil && p.receipt.Ran.InFlight:
		fmt.Fprintf(b, "\nThis configuration applied it at %s, and BOS is at work on that: the apply goes on with it, and applies nothing again "+
			"to its nodes.", p.receipt.Ran.AppliedAt.String())
	case p.receipt != nil && p.receipt.Ran.Anew:
		fmt.Fprintf(b, "\nThis configuration has applied staged state at %s, and something else was staged since: that is "+
			"applied now.", p.receipt.Ran.AppliedAt.String())
	case p.receipt != nil:
		fmt.Fprintf(b, "\nThis configuration has applied it at %s already, and nothing else was staged since: it is "+
			"applied once more.", p.receipt.Ran.AppliedAt.String())
	case p.plain && r.kind == kindStagedApply && m.Session.IsNull():
	case p.plain && r.kind == kindStagedApply:
		b.WriteString("\nThis BOS does not remember what was applied by which plan: the action applies what is staged each time that it is invoked, also by one " +
			"and the same saved plan, but to no node that is on its way to it.")
	case p.plain:
		b.WriteString("\nThis BOS does not remember what was applied by which plan. If this apply is cut off, plan again; do not apply the same saved " +
			"plan once more.")
	}
}
