package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

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

// unable adds the error diagnostic of an operation that failed.
func unable(diags *diag.Diagnostics, what string, err error) {
	diags.AddError("Unable to "+what, explain(err))
}
