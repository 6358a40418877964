package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// explain is an error's text with a way out where its kind suggests one.
func explain(err error) string {
	var answer *client.Error
	switch {
	case errors.As(err, &answer) && answer.Detail != "":
		return fmt.Sprintf("BOS answered %d %s: %s\n\nRequest: %s %s", answer.Status, answer.Title, answer.Detail, answer.Method, answer.URL)
	case errors.Is(err, context.Canceled):
		return "It was interrupted before BOS answered."
	default:
		return err.Error() + "."
	}
}

// plainly is what BOS said is wrong with a question, which is sentence enough: that it
// answered, and with which number, tells nothing more.
func plainly(err error) string {
	var answer *client.Error
	if errors.As(err, &answer) && answer.Detail != "" {
		return capital(answer.Detail) + "."
	}
	return explain(err)
}

// at begins a message with the attribute that it is about where that is within another
// one: Terraform points at the outermost alone, or at the block.
func at(p path.Path, text string) string {
	if len(p.Steps()) < 2 {
		return text
	}
	return p.String() + ": " + text
}

// unable adds the error diagnostic of an operation that failed. Of a write that got
// no clear answer it says that BOS may have carried it out.
func unable(diags *diag.Diagnostics, what string, err error) {
	detail := explain(err)
	if isWrite(err) && client.Undecided(err) {
		detail += "\n\nBOS may have carried this out all the same, or may still do so. Look at what BOS has now; the next apply asks for it once more."
	}
	diags.AddError("Unable to "+what, detail)
}

// isWrite reports whether what failed was a request that changes something.
func isWrite(err error) bool {
	var answer *client.Error
	var silence *client.Unreachable
	switch {
	case errors.As(err, &answer):
		return answer.Method != http.MethodGet
	case errors.As(err, &silence):
		return silence.Method != http.MethodGet
	default:
		return false
	}
}
