package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// checkStagedBoot refuses staged boot parameters of a session that stages none, as soon as
// that is known: the service would refuse it in the apply.
func checkStagedBoot(wanted, stage types.Bool, operation types.String, diags *diag.Diagnostics) {
	if !wanted.ValueBool() {
		return
	}
	at := path.Root("write_staged_boot_parameters")
	switch op := bos.Operation(operation.ValueString()); {
	case !stage.IsUnknown() && !stage.ValueBool():
		diags.AddAttributeError(at, "Nothing is staged whose boot parameters could be written", "It is about what a session stages, and stage is not true. Set stage = true, or leave it out: a "+
			"session that does not stage writes boot parameters in any case.")
	case !operation.IsUnknown() && !op.NeedsImage():
		diags.AddAttributeError(at, fmt.Sprintf("A %s has no boot parameters", op), "Leave the argument out.")
	}
}
