package provider

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// A hold keeps BOS' hands off a node. State has the one that this resource asked
// for, as long as BOS still has it so; held says in any case what BOS has. So a
// hold that somebody else put on is never lifted, and one that somebody lifted or
// took over is put on again. Two that ask for a hold with the same reason share it:
// neither lifts it then, for the other one still has somebody at the node.

// privateHeldSince keeps since when the hold is on that this resource put on, and
// privateHoldShared whether others ask for it as well, as the last look showed.
const (
	privateHeldSince  = "held_since"
	privateHoldShared = "hold_shared"
)

var holdType = types.ObjectType{AttrTypes: map[string]attr.Type{"reason": types.StringType}}

func holdAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Keep all hands off the node, such as while somebody works on it: sessions leave it out and say why, and nothing new is sent to it. " +
			"An action that was sent before goes to its end. Taking `hold` out of the configuration lifts it, and BOS goes on with what it left undone. " +
			"Destroying the resource does **not** lift it, nor is the hold of somebody else ever lifted: one that two configurations ask for with the same reason is " +
			"shared, and stays on. Needs the bundled service; a plain BOS v2 has no holds.",
		Attributes: map[string]schema.Attribute{
			"reason": schema.StringAttribute{
				Required: true, Validators: append(textBetween(1, bos.MaxReason), trimmed{}),
				MarkdownDescription: "Why, for whoever finds the node held. It stands in plans and in the outcomes of sessions.",
			},
		},
	}
}

// trimmed refuses spaces around a text, which BOS drops.
type trimmed struct{}

func (trimmed) Description(context.Context) string { return "without spaces at either end" }

func (v trimmed) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (trimmed) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if text := req.ConfigValue.ValueString(); text != strings.TrimSpace(text) {
		resp.Diagnostics.AddAttributeError(req.Path, "Spaces around the text", fmt.Sprintf("%q begins or ends with white space, which BOS drops. Write "+
			"trimspace() around it.", text))
	}
}

// holdStep is what an apply does about the hold of a node.
type holdStep struct {
	// put is the reason of a hold to put on; unknown if it is not known yet.
	put field[string]
	// lift takes the hold off whose reason this is.
	lift field[string]
	// leave is the reason of a hold that is not asked for any more, and stays for
	// the others who ask for it.
	leave field[string]
}

func (s holdStep) nothing() bool { return s == holdStep{} }

// decideHold decides what a configuration makes of the hold of a node, given the
// one that state has, and whether others ask for it as well.
func decideHold(config, state field[string], shared bool) (s holdStep) {
	switch {
	case config.mayChange(state):
		s.put = config
	case config.is == absent && state.is == known && shared:
		s.leave = state
	case config.is == absent && state.is == known:
		s.lift = state
	}
	return s
}

// holdWarnings says what a change of the hold does to the node.
func holdWarnings(xname string, s holdStep, observed *observedComponent) (warnings []planWarning) {
	say := func(summary, detail string) {
		warnings = append(warnings, planWarning{"hold", summary, xname + ": " + detail})
	}
	if observed == nil {
		return nil
	}
	switch {
	case s.lift.is != absent:
		say("BOS may act on nodes whose hold is lifted",
			fmt.Sprintf("its hold (%s) is lifted, and BOS goes on with what it left undone, if anything: %s.", s.lift.value, intention(observed.desired)))
	case s.leave.is != absent:
		say(titleStayHeld, sharedHold(xname, observed.held))
	case s.put.is != absent && observed.hold.is == absent && observed.held != "":
		say(titleHeldByOthers, heldByOthers(observed.held))
	case s.put.is != absent && observed.phase != "":
		say("BOS will stop acting on nodes", fmt.Sprintf("it is %s now%s. The hold leaves it as it stands after the action under way, which may be off or "+
			"half booted.", observed.phase, forSession(observed.session)))
	}
	return warnings
}

const (
	titleHeldByOthers = "Nodes are held by somebody else"
	titleStayHeld     = "Nodes stay held"
)

func heldByOthers(held string) string {
	return fmt.Sprintf("BOS holds it already: %s. Applying replaces the reason, and the hold is then lifted when it is taken out of this configuration. "+
		"If the reason is the same, the hold is shared instead, and stays on when it is taken out here. To have a hold of your own later, give it a "+
		"reason of its own.", held)
}

func sharedHold(xname, held string) string {
	return fmt.Sprintf("somebody else asked for a hold with the same reason and may still rely on it, so it is left on: %s. Once nobody is at the node, send "+
		"DELETE /x/v1/components/%s/hold to BOS to lift it.", held, xname)
}

// heldText is a hold as state shows it, empty for none.
func heldText(b bos.Brake) string {
	if !b.On() {
		return ""
	}
	by := "since " + b.Since.UTC().Format(time.RFC3339)
	if b.Actor != "" {
		by = "by " + b.Actor + " " + by
	}
	if !b.Again.IsZero() {
		by += ", asked for again at " + b.Again.UTC().Format(time.RFC3339)
	}
	return b.Reason + " (" + by + ")"
}

// holdOf is a hold as state has it: the one that was asked for, if BOS has it.
func holdOf(asked types.Object, b bos.Brake) types.Object {
	if asked.IsNull() || !b.On() || part[types.String](asked, "reason").ValueString() != b.Reason {
		return types.ObjectNull(holdType.AttrTypes)
	}
	return asked
}

// isShared reports whether others ask for the hold as well: it was on before it was
// asked for here, or somebody put it on anew or asked for it again since.
func isShared(b bos.Brake, since []byte) bool {
	return b.On() && (!b.Again.IsZero() || len(since) > 0 && string(since) != heldSince(b))
}

// heldSince is since when a hold is on, as it is kept beside the state.
func heldSince(b bos.Brake) string { return fmt.Sprintf("%q", b.Since.UTC().Format(time.RFC3339Nano)) }

// privateWriter is what the framework keeps beside the state, to be written.
type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// noteHold keeps whose the hold is that was put on.
func noteHold(ctx context.Context, private privateWriter, s holdStep, held bos.Brake) (diags diag.Diagnostics) {
	if s.nothing() {
		return nil
	}
	var since []byte
	if s.put.is != absent {
		since = []byte(heldSince(held))
	}
	diags.Append(private.SetKey(ctx, privateHeldSince, since)...)
	diags.Append(private.SetKey(ctx, privateHoldShared, jsonBool(since != nil && isShared(held, since)))...)
	return diags
}

// lookAtHold keeps whether others ask for the hold by now.
func lookAtHold(ctx context.Context, req privateState, resp privateWriter, asked types.Object, held bos.Brake) (diags diag.Diagnostics) {
	if asked.IsNull() {
		return nil
	}
	since, diags := req.GetKey(ctx, privateHeldSince)
	was, more := req.GetKey(ctx, privateHoldShared)
	diags.Append(more...)
	if now := jsonBool(isShared(held, since)); string(now) != string(was) {
		diags.Append(resp.SetKey(ctx, privateHoldShared, now)...)
	}
	return diags
}

// hasHolds reports whether BOS has holds; false with an error where it does not,
// or does not say.
func (r *componentResource) hasHolds(ctx context.Context, c *client.Client, diags *diag.Diagnostics) bool {
	caps, err := c.Capabilities(ctx)
	switch {
	case err != nil:
		diags.AddAttributeError(path.Root("hold"), "Unable to find out whether BOS has holds", explain(err))
		return false
	case !client.Has(caps, bos.ExtensionHolds):
		diags.AddAttributeError(path.Root("hold"), "This BOS has no holds",
			"It announces none, as a plain BOS v2 does, so nothing would keep its sessions off the node. Take hold out, and disable or lock the node in the "+
				"hardware inventory (HSM), which sessions honour.")
		return false
	default:
		return true
	}
}

// plannedHolds are the holds that this run puts on and lifts. A session that is
// planned after them is previewed with them: without, the plan that was reviewed
// would be refused because of the hold that it has put on itself.
type plannedHolds struct {
	mu sync.Mutex
	// reasons are by xname, empty for a hold that is lifted.
	reasons map[string]string
}

func newPlannedHolds() *plannedHolds { return &plannedHolds{reasons: make(map[string]string)} }

// note keeps what is planned for a node.
func (p *plannedHolds) note(id string, step holdStep) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case step.put.is == known:
		p.reasons[id] = step.put.value
	case step.lift.is == known:
		p.reasons[id] = ""
	}
}

// all returns them; nil if there are none.
func (p *plannedHolds) all() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.reasons) == 0 {
		return nil
	}
	return maps.Clone(p.reasons)
}

// planHold notes what is planned of a hold, and refuses one where BOS has none.
// Of a node that is going to be adopted nothing was observed: whether somebody else
// holds it is looked up here.
func (r *componentResource) planHold(ctx context.Context, plan *componentModel, d componentDecision, adopts bool, diags *diag.Diagnostics) {
	if r.shared == nil {
		return
	}
	if !plan.Xname.IsUnknown() {
		r.shared.plannedHolds.note(bos.CanonicalXname(plan.Xname.ValueString()), d.hold)
	}
	if d.hold.put.is == absent || r.shared.client == nil {
		return
	}
	c := r.shared.reach(plan.Tenant, diags)
	if !r.hasHolds(ctx, c, diags) || !adopts || plan.Xname.IsUnknown() || r.shared.isApplying() {
		return
	}
	id := bos.CanonicalXname(plan.Xname.ValueString())
	held, err := r.shared.components.held(ctx, c, id)
	if err != nil {
		unable(diags, "read the holds of BOS components", err)
		return
	}
	if held.On() {
		diags.AddAttributeWarning(path.Root("hold"), titleHeldByOthers, id+": "+heldByOthers(heldText(held)))
	}
}

// warnHeld says of a component that is forgotten that its hold stays.
func (r *componentResource) warnHeld(state *componentModel, diags *diag.Diagnostics) {
	if state == nil || state.Hold.IsNull() || r.shared.isApplying() {
		return
	}
	diags.AddAttributeWarning(path.Root("hold"), titleStayHeld,
		fmt.Sprintf("%s: destroying the resource leaves its hold on, so that no node starts while somebody works on it. It is held for: %s. To lift the "+
			"hold, take it out of the configuration and apply before you destroy; or send DELETE /x/v1/components/%s/hold to BOS.",
			state.ID.ValueString(), state.Held.ValueString(), state.ID.ValueString()))
}

// putHold puts the hold on; it comes before all else that is written, so that BOS
// acts on nothing of it.
func (r *componentResource) putHold(ctx context.Context, c *client.Client, id string, reason field[string], diags *diag.Diagnostics) (held bos.Brake, ok bool) {
	if !r.hasHolds(ctx, c, diags) {
		return held, false
	}
	defer r.shared.components.forgetHolds()
	put, err := c.HoldComponent(ctx, id, reason.value)
	if err != nil {
		unable(diags, "hold BOS component "+id, err)
		return held, false
	}
	return put.Brake, true
}

// liftHold takes off the hold of this reason, on since then; it comes after all else
// that is written. Another one, that somebody put on since, stays, and so does one
// that somebody else asked for as well.
func (r *componentResource) liftHold(ctx context.Context, c *client.Client, id string, reason field[string], since []byte, diags *diag.Diagnostics) (
	held bos.Brake, ok bool,
) {
	if !r.hasHolds(ctx, c, diags) {
		return held, false
	}
	r.shared.components.forgetHolds()
	held, err := r.shared.components.held(ctx, c, id)
	if err == nil && held.On() && held.Reason != reason.value {
		diags.AddAttributeWarning(path.Root("hold"), titleStayHeld,
			fmt.Sprintf("%s: it has another hold by now, which is left on: %s.", id, heldText(held)))
		return held, true
	}
	if err == nil && isShared(held, since) {
		diags.AddAttributeWarning(path.Root("hold"), titleStayHeld, id+": "+sharedHold(id, heldText(held)))
		return held, true
	}
	if err == nil && held.On() {
		defer r.shared.components.forgetHolds()
		err = c.ReleaseComponent(ctx, id)
	}
	if err != nil {
		unable(diags, "lift the hold of BOS component "+id, err)
		return held, false
	}
	return bos.Brake{}, true
}
