package provider

import (
	"context"
	"time"

	actiontimeouts "github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// What waits is named alike everywhere: wait_for_completion says whether,
// timeouts how long, poll_interval how often it polls.

// waitBounds is how long a wait may be asked to last.
var waitBounds = duration{least: leastPoll, most: 7 * 24 * time.Hour}

// waitTimeouts is the attribute timeouts of a resource that waits.
func waitTimeouts(ctx context.Context, create, update string) schema.Attribute {
	attribute, ok := timeouts.Attributes(ctx, timeouts.Opts{
		Create: true, Update: true, CreateDescription: create, UpdateDescription: update,
	}).(schema.SingleNestedAttribute)
	if !ok {
		panic("timeouts are no nested attribute")
	}
	for name, nested := range attribute.Attributes {
		if text, ok := nested.(schema.StringAttribute); ok {
			text.Validators = []validator.String{waitBounds}
			attribute.Attributes[name] = text
		}
	}
	return attribute
}

// actionWait are the attributes of an action that waits.
func actionWait(ctx context.Context) map[string]actionschema.Attribute {
	attribute, ok := actiontimeouts.AttributesWithOpts(ctx, actiontimeouts.Opts{
		InvokeDescription: "How long to wait, such as `45m`. Defaults to 2h. When the time is up the action fails, and what it began goes on.",
	}).(actionschema.SingleNestedAttribute)
	if !ok {
		panic("timeouts are no nested attribute")
	}
	for name, nested := range attribute.Attributes {
		if text, ok := nested.(actionschema.StringAttribute); ok {
			text.Validators = []validator.String{waitBounds}
			attribute.Attributes[name] = text
		}
	}
	return map[string]actionschema.Attribute{
		"wait_for_completion": actionschema.BoolAttribute{
			Optional: true, MarkdownDescription: "Wait until BOS is done, with messages on the way. Defaults to `true`.",
		},
		"timeouts": attribute,
	}
}
