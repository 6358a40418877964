package provider

import (
	"fmt"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxReasons is how many reasons a report spells out.
const maxReasons = 10

// maxHeadline bounds the nodes in a headline, so that it stays one line.
const maxHeadline = 60

// headline is the first line of a warning about nodes. Of warnings with equal
// first lines Terraform shows one and counts the others, so it names the nodes.
func headline(what, folded string) string {
	if folded == "" {
		return what
	}
	if len(folded) > maxHeadline {
		folded = folded[:strings.LastIndexByte(folded[:maxHeadline], ',')+1] + "..."
	}
	return what + ": " + folded
}

// failureSummary is the headline of a session in which something failed.
func (m *sessionModel) failureSummary() string {
	failed, unfinished := m.failedNodes(), countFolded(m.UnfinishedNodes)
	switch {
	case m.Error.ValueString() != "" && failed == 0, failed == 0 && unfinished == 0:
		came := "failed"
		if !m.NodeCount.IsNull() && m.NodeCount.ValueInt64() == 0 {
			came = "did nothing"
		}
		return headline(fmt.Sprintf("%s of template %q %s", capital(m.Operation.ValueString()), m.TemplateName.ValueString(), came), m.Limit.ValueString())
	case failed == 0:
		return headline(fmt.Sprintf("%s not done by the session to %s", nodes(unfinished), m.Operation.ValueString()), m.UnfinishedNodes.ValueString())
	default:
		return headline(fmt.Sprintf("%s failed to %s", nodes(failed), m.Operation.ValueString()), m.FailedNodes.ValueString())
	}
}

// failureDetail says which nodes failed, why, and how to try just them again.
func (m *sessionModel) failureDetail(failures []failure, wayOut string) string {
	var b strings.Builder
	acted := "acted on no node"
	if count := m.NodeCount.ValueInt64(); count > 0 {
		acted = "acted on " + nodes(count)
	}
	fmt.Fprintf(&b, "Session %s (%s of template %q) %s", m.Name.ValueString(), m.Operation.ValueString(), m.TemplateName.ValueString(), acted)
	if n := m.failedNodes(); n > 0 {
		fmt.Fprintf(&b, "; %d failed:\n", n)
	} else {
		b.WriteString(".\n")
	}
	writeFailures(&b, failures)
	if folded := m.UnfinishedNodes.ValueString(); folded != "" {
		fmt.Fprintf(&b, "\n  %s: another session took them over, or they were disabled, before this one was done with them; they may run something "+
			"else, or be off", folded)
	}
	if text := m.Error.ValueString(); text != "" {
		fmt.Fprintf(&b, "\nBOS says: %s", text)
	}
	fmt.Fprintf(&b, "\n\n%s", wayOut)
	return b.String()
}

// writeFailures names the nodes that failed by what failed them.
func writeFailures(b *strings.Builder, failures []failure) {
	for i, f := range failures {
		if i == maxReasons {
			fmt.Fprintf(b, "\n  ... and %d more reasons, see error_summary", len(failures)-maxReasons)
			break
		}
		fmt.Fprintf(b, "\n  %s: %s", bos.Fold(f.nodes), f.reason)
	}
}

// wayOut is how to have this resource run the session again.
func (m *sessionModel) wayOut() string {
	if m.RetryLimit.ValueString() == "" {
		return "To run it again, change a value in triggers."
	}
	return fmt.Sprintf("To try just these again, set\n\n    limit = %q\n\non this bos_session and apply. Taking the limit away later runs it for all its nodes "+
		"again, as a changed value in triggers does; the guide \"When nodes fail\" has a way without that.", m.RetryLimit.ValueString())
}

func nodes(n int64) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

// pinMismatch says that a pin that was given does not stand for what the
// session would do now.
func (m *sessionModel) pinMismatch(now bos.Preview) string {
	return fmt.Sprintf("pin stands for another %s of template %q than BOS would do now, on %s:\n\n    %s\n\n"+
		"Nodes, images, kernel parameters or configuration have changed since the pin was made, or the preview was made for other arguments than this session "+
		"has. No node was touched. Plan again and review what is new.",
		m.Operation.ValueString(), m.TemplateName.ValueString(), nodes(int64(now.Count)), now.Nodes)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
