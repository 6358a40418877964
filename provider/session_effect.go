package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The values of scope. They are sentences, since Terraform quotes them when one
// takes the place of the other during an apply.
const (
	scopeLimit    = "the nodes of the template that limit selects"
	scopeTemplate = "every node of the template, for limit is null"
)

// scopeOf says at plan whether a session has a limit, also one that is not known
// yet. Terraform lets no apply go against a value that was known at plan: a limit
// that turns out to be null then does not run the session for every node.
func scopeOf(limit types.String) types.String {
	if limit.IsNull() {
		return types.StringValue(scopeTemplate)
	}
	return types.StringValue(scopeLimit)
}

// deeds are the words for what a session does, is going on with, and did.
var deeds = map[bos.Operation]struct{ does, todo, did string }{
	bos.OperationBoot:      {"boots", "boot", "booted"},
	bos.OperationReboot:    {"reboots", "reboot", "rebooted"},
	bos.OperationShutdown:  {"shuts down", "shut down", "shut down"},
	bos.OperationConfigure: {"configures", "configure", "configured"},
}

// foretold is what the session is going to do to which nodes. It depends on
// nothing but the preview, or without one on the configuration, so that it is the
// same when Terraform plans once more during the apply.
func (m *sessionModel) foretold(p *bos.Preview) string {
	what := deeds[bos.Operation(m.Operation.ValueString())].does
	if m.Stage.ValueBool() {
		what = "stages a " + m.Operation.ValueString() + " of"
	}
	switch {
	case p != nil && p.Count == 0:
		return fmt.Sprintf("finds no node in template %q to %s", m.TemplateName.ValueString(), deeds[p.Operation].todo)
	case p != nil:
		return fmt.Sprintf("%s %s%s: %s", what, nodes(int64(p.Count)), inBatches(*p), p.Nodes)
	case m.Limit.IsNull():
		return fmt.Sprintf("%s every node of template %q", what, m.TemplateName.ValueString())
	default:
		return fmt.Sprintf("%s the nodes of template %q that are in %s", what, m.TemplateName.ValueString(), m.Limit.ValueString())
	}
}

// again tells a plan that runs a session once more from the plan that ran it. Both
// are otherwise alike, and Terraform does not say during the apply which of them it
// applies: the older one, applied for a second time, would pass for the newer one.
// So it ends with an inconsistent plan, and no node is touched. Without applying the
// preview is made anew during the apply, when the session that is replaced may be gone.
func (r *sessionResource) again(p *bos.Preview) string {
	if p.Ran == nil || p.GoesOnWith() != "" || r.shared == nil || !r.shared.applyingSet {
		return ""
	}
	return fmt.Sprintf(" (again, after session %s of %s)", p.Ran.Session, p.Ran.Accepted.String())
}

// goesOn holds an apply to the session that its plan goes on with. By the receipt the
// service does so, also once that session is over; where nobody tells in an apply by
// which plan, the preview is another, and would run another session than the plan said.
func (r *sessionResource) goesOn(config *sessionModel, p *bos.Preview) string {
	name := p.GoesOnWith()
	if name == "" || r.promise(config, p) != promiseOfTerraform {
		return ""
	}
	return fmt.Sprintf("goes on with session %s, and starts no other, which ", name)
}

// effected is what the session did, as far as it is known: the next plan that
// runs it shows what it is going to do as a change of this.
func (m *sessionModel) effected() string {
	deed := deeds[bos.Operation(m.Operation.ValueString())]
	stage := m.Stage.ValueBool()
	var text string
	switch {
	case m.Status.ValueString() == statusUnconfirmed:
		return "may or may not have begun to " + deed.todo
	case m.Nodes.ValueString() == "" && m.over():
		return "found no node to " + deed.todo
	case m.Nodes.ValueString() == "":
		return "was asked to " + deed.todo
	case stage && !m.complete():
		text = fmt.Sprintf("staged a %s of %s", m.Operation.ValueString(), nodes(m.NodeCount.ValueInt64()))
	case !m.complete():
		text = fmt.Sprintf("began to %s %s", deed.todo, nodes(m.NodeCount.ValueInt64()))
	case m.Error.ValueString() != "":
		text = fmt.Sprintf("failed to %s %s", deed.todo, nodes(m.NodeCount.ValueInt64()))
	default:
		text = fmt.Sprintf("%s %s", deed.did, nodes(m.NodeCount.ValueInt64()))
	}
	if failed := m.failedNodes(); failed > 0 {
		text += fmt.Sprintf(" of which %d failed", failed)
	}
	if n := countFolded(m.UnfinishedNodes); n > 0 {
		text += fmt.Sprintf(", %d were never done", n)
	}
	return text + ": " + m.Nodes.ValueString()
}

// knownEffect says what the session did where no plan could say what it was
// going to do. What a plan said must stay until the next refresh.
func (m *sessionModel) knownEffect() {
	if m.Effect.IsUnknown() || m.Effect.IsNull() {
		m.Effect = types.StringValue(m.effected())
	}
}
