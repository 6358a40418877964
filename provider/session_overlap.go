package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// titleBusy is the title of the service's refusal of a session that would take nodes from
// others, and of our diagnostics for it.
const titleBusy = "Nodes are busy with another session"

func overlapNames() []string {
	var names []string
	for _, rule := range bos.Overlaps() {
		names = append(names, string(rule))
	}
	return names
}

// privateReplaces is the name of the session in state, from the planning call that
// compares with it to the one that plans what is created in its place, and on to the
// apply: the session that is created may take nodes from that one.
const privateReplaces = "replaces"

type replacingKey struct{}

// replacing is the context of a call that creates a session in place of another.
func replacing(ctx context.Context, name string) context.Context {
	if name == "" {
		return ctx
	}
	return context.WithValue(ctx, replacingKey{}, name)
}

func replacedBy(ctx context.Context) string {
	name, _ := ctx.Value(replacingKey{}).(string)
	return name
}

func notedReplaces(name string) []byte { return fmt.Appendf(nil, "%q", name) }

// replacesIn is the name in private data as the framework writes it; empty for none.
func replacesIn(private []byte) string {
	var keys map[string][]byte
	if json.Unmarshal(private, &keys) != nil {
		return ""
	}
	return receiptIn(keys[privateReplaces])
}

// carriesReplaced has the call that plans what is created know what it replaces, and hand
// that on to the apply: it stands in the private data of the call before, or in those of
// the plan that is applied.
func carriesReplaced(ctx context.Context, was readPrivateData, is privateData, diags *diag.Diagnostics) context.Context {
	noted, d := was.GetKey(ctx, privateReplaces)
	diags.Append(d...)
	if name := receiptIn(noted); name != "" {
		ctx = replacing(ctx, name)
	}
	if name := replacedBy(ctx); name != "" {
		diags.Append(is.SetKey(ctx, privateReplaces, notedReplaces(name))...)
	}
	return ctx
}

// replaces are the sessions that a new one may take nodes from: the one whose place it
// takes, as far as Terraform has told, and those that this walk has let go of.
func (r *sessionResource) replaces(ctx context.Context, tenant types.String) []string {
	names := r.shared.sessions.all(letGo, tenant)
	slices.Sort(names)
	if name := replacedBy(ctx); name != "" {
		names = append([]string{name}, slices.DeleteFunc(names, func(other string) bool { return other == name })...)
	}
	return names[:min(len(names), bos.MaxReplaces)]
}

// overlapOf is what is said to BOS of nodes that other sessions are at work on: nobody's are
// taken unless somebody says so, where BOS can be told that.
func overlapOf(ctx context.Context, c *client.Client, given types.String) (bos.Overlap, error) {
	if given.IsUnknown() {
		return "", nil
	}
	if !given.IsNull() {
		return bos.Overlap(given.ValueString()), nil
	}
	caps, err := c.Capabilities(ctx)
	if err != nil || !client.Has(caps, bos.ExtensionOverlap) {
		return "", err
	}
	return bos.OverlapReject, nil
}

// rule is that of a session of which there is a preview.
func (r *sessionResource) rule(ctx context.Context, plan *sessionModel, preview *bos.Preview, diags *diag.Diagnostics) bos.Overlap {
	if preview == nil {
		return ""
	}
	rule, err := overlapOf(ctx, r.shared.reach(plan.Tenant, diags), plan.Overlap)
	if err != nil {
		unable(diags, "ask BOS for its extensions", err)
	}
	return rule
}

// refuseOverlap says at plan that BOS knows no rule that spares nodes of others.
func (r *sessionResource) refuseOverlap(ctx context.Context, plan *sessionModel, diags *diag.Diagnostics) {
	if !bos.Overlap(plan.Overlap.ValueString()).Spares() || r.shared == nil || r.shared.client == nil {
		return
	}
	c := r.shared.reach(plan.Tenant, diags)
	caps, err := c.Capabilities(ctx)
	if err != nil || client.Has(caps, bos.ExtensionOverlap) {
		return // where it does not answer, the preview says so
	}
	diags.AddAttributeError(path.Root("overlap"), "This BOS takes nodes from other sessions", fmt.Sprintf("The BOS at %s %s, and a new session takes over the nodes that "+
		"another one is at work on. Leave overlap out, or use a BOS that announces the extension %q, as the bundled service does.", c.Endpoint(), whoIs(caps), bos.ExtensionOverlap))
}

// refuseBusy refuses at plan a session that would be refused for the nodes of others.
func (r *sessionResource) refuseBusy(ctx context.Context, plan *sessionModel, rule bos.Overlap, p bos.Preview, diags *diag.Diagnostics) {
	if rule != bos.OverlapReject || plan.Stage.ValueBool() {
		return
	}
	var b strings.Builder
	ours, replaces := "", r.replaces(ctx, plan.Tenant)
	for _, busy := range p.Busy {
		if busy.Same || busy.Replaced || slices.Contains(replaces, busy.Session) && bos.TenantOf(busy.Tenant) == plan.Tenant.ValueString() {
			continue
		}
		if r.shared.sessions.has(waitedFor, plan.Tenant, busy.Session) && bos.TenantOf(busy.Tenant) == plan.Tenant.ValueString() {
			continue // where this comes after it, it is over by then; else BOS refuses this
		}
		fmt.Fprintf(&b, "\n%s: %s", busyWith(busy), busy.Nodes)
		if r.shared.sessions.has(wasRead, types.StringValue(bos.TenantOf(busy.Tenant)), busy.Session) {
			ours = fmt.Sprintf("\n\nThis Terraform has session %s in its state. Where its resource has this as its new name, a moved block says so; where it is tainted, "+
				"untaint it and plan with -replace: a session may take the nodes of the one that it replaces.", busy.Session)
		}
	}
	if b.Len() == 0 {
		return
	}
	diags.AddAttributeError(path.Root("overlap"), headline(titleBusy+": the session "+asked(plan.Operation, plan.TemplateName, plan.Limit), ""),
		strings.TrimPrefix(b.String(), "\n")+"\n\nNo node was touched. Wait until that session is over, cancel it, or leave its nodes out with limit. With overlap = \"queue\" "+
			"this one waits for it, and with overlap = \"take_over\" it takes the nodes from it, wherever they stand."+ours)
}

// busyWith says which nodes another session is at work on.
func busyWith(busy bos.PreviewBusy) string {
	are := "are"
	if busy.Count == 1 {
		are = "is"
	}
	return fmt.Sprintf("Now %s %s busy with %s", nodes(int64(busy.Count)), are, sinceWhen(busy))
}

// sinceWhen is a session at work, with who wants it.
func sinceWhen(busy bos.PreviewBusy) string {
	if busy.OtherTenant {
		return fmt.Sprintf("%s (%s)", bos.OtherTenants, busy.Operation)
	}
	since := fmt.Sprintf("session %s (%s, accepted at %s", busy.Session, busy.Operation, busy.Accepted.String())
	if busy.By != "" {
		since += " for " + busy.By
	}
	if busy.Reason != "" {
		since += ": " + busy.Reason
	}
	return since + ")"
}

// writeBusy says which nodes other sessions are at work on, and what becomes of these;
// first are those of the tenant that the apply waits for.
func writeBusy(b *strings.Builder, p bos.Preview, rule bos.Overlap, tenant string, first []string) {
	for _, busy := range p.Busy {
		if busy.Same {
			fmt.Fprintf(b, "\nThis configuration has run %s for the same %s already, and it is not over: the apply goes on with that session and "+
				"starts no other.", sinceWhen(busy), nodes(int64(busy.Count)))
			continue
		}
		then := "which this takes them from"
		switch {
		case busy.Replaced:
			then = "which this replaces and takes them from"
		case rule == bos.OverlapQueue:
			then = "for which this waits"
		case rule == bos.OverlapReject && bos.TenantOf(busy.Tenant) == tenant && slices.Contains(first, busy.Session):
			then = "for which this apply waits: this is refused unless it comes after that (depends_on) and that is over by then"
		case rule == bos.OverlapReject:
			then = "for which this is refused"
		}
		fmt.Fprintf(b, "\n%s, %s: %s", busyWith(busy), then, busy.Nodes)
	}
}
