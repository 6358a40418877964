package provider

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxReasons is how many reasons a report spells out.
const maxReasons = 10

// failureSummary is the headline of a session in which something failed.
func (m *sessionModel) failureSummary() string {
	if m.FailedCount.ValueInt64() == 0 {
		return fmt.Sprintf("BOS session to %s failed", m.Operation.ValueString())
	}
	return fmt.Sprintf("%s failed to %s", nodes(m.FailedCount.ValueInt64()), m.Operation.ValueString())
}

// failureDetail says which nodes failed, why, and how to try just them again.
func (m *sessionModel) failureDetail(failures []failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Session %s (%s of template %q) acted on %s", m.Name.ValueString(), m.Operation.ValueString(), m.TemplateName.ValueString(), nodes(m.ComponentCount.ValueInt64()))
	if n := m.FailedCount.ValueInt64(); n > 0 {
		fmt.Fprintf(&b, "; %d failed:\n", n)
	} else {
		b.WriteString(".\n")
	}
	for i, f := range failures {
		if i == maxReasons {
			fmt.Fprintf(&b, "\n  ... and %d more reasons, see error_summary", len(failures)-maxReasons)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", bos.Fold(f.nodes), f.reason)
	}
	if text := m.Error.ValueString(); text != "" {
		fmt.Fprintf(&b, "\nBOS says: %s\n", text)
	}
	fmt.Fprintf(&b, "\n\n%s", m.wayOut())
	return b.String()
}

// wayOut is how to run the session again.
func (m *sessionModel) wayOut() string {
	if m.RetryLimit.ValueString() == "" {
		return "To run it again, change a value in triggers."
	}
	return fmt.Sprintf("To try just these again, set\n\n    limit = %q\n\non this bos_session and apply; to run it again for all its nodes, change a value in triggers.", m.RetryLimit.ValueString())
}

func nodes(n int64) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

// previewDetail says what a session is going to do.
func (m *sessionModel) previewDetail(p bos.Preview, applyingSet bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of template %q: %s", capital(string(p.Operation)), m.TemplateName.ValueString(), nodes(int64(p.Count)))
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
	for _, skip := range p.Skipped {
		fmt.Fprintf(&b, "\nLeft out, %s: %s", skip.Reason, skip.Nodes)
	}
	for _, warning := range p.Warnings {
		fmt.Fprintf(&b, "\nNote: %s", warning)
	}
	if p.Count == 0 {
		b.WriteString("\n\nThere is nothing to act on, so BOS would complete the session with an error. Check the template's nodes and the limit.")
	}
	if !applyingSet {
		b.WriteString("\n\nIf nodes or images change before the apply, Terraform stops with \"Provider produced inconsistent final plan\" and no node is touched; plan again. " +
			"With applying = terraform.applying in the provider block the message says what changed.")
	}
	return b.String()
}

// pinMismatch says that a pin that was given does not stand for what the
// session would do now.
func (m *sessionModel) pinMismatch(now bos.Preview) string {
	return fmt.Sprintf("pin stands for another %s of template %q than BOS would do now, on %s:\n\n    %s\n\n"+
		"Nodes, images, kernel parameters or configuration have changed since the pin was made, or the preview was made for other arguments than this session has. No node was touched. Plan again and review what is new.",
		m.Operation.ValueString(), m.TemplateName.ValueString(), nodes(int64(now.Count)), now.Nodes)
}

func previewSummary(p bos.Preview) string {
	verb := map[bos.Operation]string{
		bos.OperationBoot: "boot", bos.OperationReboot: "reboot", bos.OperationShutdown: "shut down",
	}[p.Operation]
	return fmt.Sprintf("This will %s %s", verb, nodes(int64(p.Count)))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
