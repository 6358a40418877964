package bos

import (
	"fmt"
	"strings"
)

// Retry is how the nodes of a session that failed are tried again, and no other.
type Retry struct {
	Count int `json:"count"`
	// Limit names them folded: it can be used as a limit as it stands.
	Limit     string    `json:"limit"`
	Operation Operation `json:"operation"`
	// Commands each do it, pasted into a shell.
	Commands []string `json:"commands"`
}

// RetryOf is how to retry nodes of a session; nil where there are none.
func RetryOf(s Session, failed []string) *Retry {
	if len(failed) == 0 {
		return nil
	}
	limit := Fold(failed)
	r := Retry{Count: len(failed), Limit: limit, Operation: s.Operation}
	own := "terraform-provider-bos retry " + s.Name
	if tenant := TenantOf(s.Tenant); tenant != "" {
		own += " --tenant " + quoted(tenant)
	}
	r.Commands = []string{own}
	cray := "cray bos v2 sessions create"
	if s.Operation == OperationConfigure {
		cray = "cray bos v1 session create"
	}
	r.Commands = append(r.Commands, fmt.Sprintf("%s --template-name %s --operation %s --limit %s", cray, s.TemplateName, s.Operation, quoted(limit)))
	return &r
}

// Sentence says it to people in one line.
func (r *Retry) Sentence(of int) string {
	failed := "1 failed"
	if r.Count > 1 {
		failed = fmt.Sprintf("%d failed", r.Count)
	}
	return fmt.Sprintf("of %s %s; this retries just what failed: %s", someNodes(of), failed, strings.Join(r.Commands, "   or   "))
}

// quoted writes a text as one word of a shell: brackets would be taken for a pattern.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
