package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// actionBase is what all actions have in common. An action has no state: what it did
// shows in its messages, and trouble is an error that repeats nothing.
type actionBase struct {
	shared *shared
	after  func(time.Duration) <-chan time.Time
}

// Configure takes the provider's settings.
func (d *actionBase) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	d.shared = configured(req.ProviderData, &resp.Diagnostics)
	if d.after == nil {
		d.after = time.After
	}
}

func actionTenant() schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxTenantName), MarkdownDescription: "Tenant to act for; defaults to " +
		"the provider's."}
}

func actionOverlap() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{stringvalidator.OneOf(overlapNames()...)}, MarkdownDescription: overlapDescription,
	}
}
