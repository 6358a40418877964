package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// carryOut does what was decided, and returns the record and the hold as they are
// then. A hold is put on before all else is written and lifted after it, so that
// BOS never acts on what lies between.
func (r *componentResource) carryOut(ctx context.Context, c *client.Client, id string, d componentDecision, asked askedBefore, diags *diag.Diagnostics) (
	record bos.Component, held bos.Brake, ok bool,
) {
	if d.hold.put.is != absent {
		// A hold of a node that BOS does not have is refused alike, but the words
		// of the other refusal are better.
		if _, err := r.record(ctx, c, id); client.IsNotFound(err) {
			unknownComponent(id, diags)
			return record, held, false
		}
		if held, ok = r.putHold(ctx, c, id, d.hold.put, diags); !ok {
			return record, held, false
		}
	}
	record, err := r.write(ctx, c, id, d.patch)
	switch {
	case client.IsNotFound(err):
		unknownComponent(id, diags)
		return record, held, false
	case err != nil:
		unable(diags, "write BOS component "+id, err)
		return record, held, false
	}
	switch {
	case d.hold.lift.is != absent:
		held, ok = r.liftHold(ctx, c, id, d.hold.lift, []byte(asked.heldSince), diags)
		return record, held, ok
	case d.hold.put.is == absent:
		if held, err = r.shared.components.held(ctx, c, id); err != nil {
			unable(diags, "read the holds of BOS components", err)
			return record, held, false
		}
	}
	return record, held, true
}

func unknownComponent(id string, diags *diag.Diagnostics) {
	diags.AddAttributeError(path.Root("xname"), "BOS knows no such component",
		fmt.Sprintf("BOS has no component %s, and this resource adopts nodes instead of inventing them. Check the xname; if the node is new, wait for BOS to "+
			"discover it from the inventory.", id))
}

// record returns the record of a node. A list that was read earlier in the same walk will do.
func (r *componentResource) record(ctx context.Context, c *client.Client, id string) (bos.Component, error) {
	record, found, err := r.shared.components.read(ctx, c, id)
	if err != nil || found {
		return record, err
	}
	return c.Component(ctx, id)
}

// write patches the record; one to which nothing is written is only read. The
// list that reads are served from is outdated by a write, whatever the answer is.
func (r *componentResource) write(ctx context.Context, c *client.Client, id string, patch bos.ComponentPatch) (bos.Component, error) {
	if patch.Empty() {
		return r.record(ctx, c, id)
	}
	defer r.shared.components.forget()
	return c.PatchComponent(ctx, id, patch)
}
