package provider

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// previewSummary is the headline of a plan that runs a session: what happens to
// how many nodes, and which. Nodes that a boot takes down first are counted.
func previewSummary(p bos.Preview, stage bool) string {
	what := fmt.Sprintf("This will %s %s", deeds[p.Operation].todo, nodes(int64(p.Count)))
	if name := p.GoesOnWith(); name != "" {
		return headline(fmt.Sprintf("This goes on with session %s on %s", name, nodes(int64(p.Count))), p.Nodes)
	}
	switch down, unsure := affected(p, bos.NodeReboots), affected(p, bos.NodeMayReboot); {
	case affected(p, bos.NodeFails) > 0: // one boot set that fails ends the session
		what = fmt.Sprintf("This will fail and touch none of %s", nodes(int64(p.Count)))
	case stage:
		what = fmt.Sprintf("This will stage a %s of %s", p.Operation, nodes(int64(p.Count)))
	case p.Operation == bos.OperationBoot:
		what += inBrackets(down, unsure, affected(p, bos.NodeAlreadyThere))
	}
	return headline(what+inBatches(p), p.Nodes)
}

// inBrackets is how many nodes of a boot go down first, or may, and how many run
// what they are to run already.
func inBrackets(down, unsure, there int) string {
	var parts []string
	switch {
	case unsure > 0:
		parts = append(parts, fmt.Sprintf("up to %d reboot", down+unsure))
	case down > 0:
		parts = append(parts, fmt.Sprintf("%d reboot", down))
	}
	if there > 0 {
		parts = append(parts, fmt.Sprintf("%d already there", there))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// asked is what a session was asked to do, for the headline where no more is
// known of it.
func asked(operation, template, limit types.String) string {
	what := "to " + cmp.Or(operation.ValueString(), "act on")
	if name := template.ValueString(); name != "" {
		what += fmt.Sprintf(" template %q", name)
	}
	return headline(what, limit.ValueString())
}

func affected(p bos.Preview, effect bos.NodeEffect) (count int) {
	for _, e := range p.Effects {
		if e.Effect == effect {
			count += e.Count
		}
	}
	return count
}

// previewDetail says what a session is going to do.
// rule is what becomes of the nodes of other sessions, first are those sessions that the
// apply waits for, and promise, which may be empty, is what becomes of the session if things
// change.
func (m *sessionModel) previewDetail(p bos.Preview, rule bos.Overlap, first []string, promise string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of template %q: %s", capital(string(p.Operation)), m.TemplateName.ValueString(), nodes(int64(p.Count)))
	if len(p.Roles) == 1 && p.Count > 0 {
		fmt.Fprintf(&b, " of role %s", cmp.Or(p.Roles[0].Role, noRole))
	}
	if p.Nodes != "" {
		fmt.Fprintf(&b, "\n\n    %s\n", p.Nodes)
	}
	for _, set := range p.BootSets {
		if len(p.BootSets) > 1 || set.ImagePath != "" {
			fmt.Fprintf(&b, "\nBoot set %q: %s", set.Name, nodes(int64(set.Count)))
			if set.ImagePath != "" {
				fmt.Fprintf(&b, " boot %s", set.ImagePath)
			}
		}
	}
	if len(p.Roles) > 1 {
		for _, role := range p.Roles {
			fmt.Fprintf(&b, "\nRole %s: %s, %s", cmp.Or(role.Role, noRole), nodes(int64(role.Count)), role.Nodes)
		}
	}
	m.writeBatches(&b, p)
	writeBusy(&b, p, rule, m.Tenant.ValueString(), first)
	writeEffects(&b, p)
	for _, skip := range p.Skipped {
		fmt.Fprintf(&b, "\nLeft out, %s: %s", skip.Reason, unlessLong(skip))
	}
	for _, warning := range p.Warnings {
		fmt.Fprintf(&b, "\nNote: %s", warning)
	}
	if p.Count == 0 {
		b.WriteString("\n\nThere is nothing to act on, so BOS would complete the session with an error. Check the template's nodes and the limit.")
	}
	if promise != "" {
		b.WriteString("\n\n" + promise)
	}
	return b.String()
}

// maxLeftOut bounds the nodes that are named because they are left out.
const maxLeftOut = 400

// unlessLong are the nodes that are left out, or how many there are where naming them
// would fill the screen; all are in the plan's attribute skipped.
func unlessLong(skip bos.PreviewSkip) string {
	if len(skip.Nodes) > maxLeftOut {
		return nodes(int64(skip.Count)) + ", see skipped"
	}
	return skip.Nodes
}

// writeEffects says what happens to the nodes as they are now. It depends on
// their power at this moment, which is why it is in no value of the plan. Nodes
// that all fare alike are not listed again, nor those that p.Skipped has.
func writeEffects(b *strings.Builder, p bos.Preview) {
	told := make(map[string]bool)
	for _, skip := range p.Skipped {
		told[skip.Reason] = true
	}
	for _, e := range p.Effects {
		if e.Effect == bos.NodeSkipped && told[e.Reason] {
			continue
		}
		fmt.Fprintf(b, "\n%s %s", nodes(int64(e.Count)), outlook(p.Operation, e))
		if e.Count != p.Count {
			fmt.Fprintf(b, ": %s", e.Nodes)
		}
	}
}

// outlook is what awaits the nodes of an effect. Where the effect can have one reason
// only it says that, and else the service's.
func outlook(operation bos.Operation, e bos.PreviewEffect) string {
	be, stay := "are", "stay"
	if e.Count == 1 {
		be, stay = "is", "stays"
	}
	because := ""
	if e.Reason != "" {
		because = " (" + e.Reason + ")"
	}
	switch e.Effect {
	case bos.NodeReboots:
		if operation == bos.OperationReboot {
			return be + " on and will reboot"
		}
		return "will reboot" + because
	case bos.NodeMayReboot:
		return "will boot or reboot" + because
	case bos.NodeBoots:
		return be + " off and will boot"
	case bos.NodePowersOff:
		return "will power off" + because
	case bos.NodeConfigures:
		return "will be configured" + because
	case bos.NodeStaysOff:
		return be + " off and " + stay + " off"
	case bos.NodeStages:
		return "will be staged" + because
	case bos.NodeAlreadyThere:
		return be + " there already" + because
	case bos.NodeFails:
		return "will fail" + because
	case bos.NodeSkipped:
		return be + " left out" + because
	default:
		return strings.ReplaceAll(string(e.Effect), "_", " ") + because
	}
}
