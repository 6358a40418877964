package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// stagedApplyIdentity tells applications of staged state apart.
type stagedApplyIdentity struct {
	Nodes  types.String `tfsdk:"nodes"`
	Tenant types.String `tfsdk:"tenant"`
}

// IdentitySchema is the nodes and the tenant: all else may change in place.
func (r *stagedApplyResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"nodes":  identityschema.StringAttribute{RequiredForImport: true, Description: "The nodes, folded, such as x3000c0s[1-4]b0n0."},
		"tenant": identityschema.StringAttribute{OptionalForImport: true, Description: "Tenant that the nodes belong to; the provider's if it is left out."},
	}}
}

func (m *stagedApplyModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	names, err := wanted(m.Xnames)
	if err != nil {
		return nil // a state that nobody wrote
	}
	return identity.Set(ctx, &stagedApplyIdentity{Nodes: types.StringValue(bos.Fold(names)), Tenant: orNull(m.Tenant.ValueString())})
}

// ImportState takes nodes, folded, or tenant/nodes, or an identity. It is for what an
// apply has done whose state was lost.
func (r *stagedApplyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	folded, tenant := req.ID, r.shared.defaultTenant()
	if i := strings.LastIndexByte(folded, '/'); i >= 0 {
		tenant, folded = types.StringValue(folded[:i]), folded[i+1:]
	}
	if folded == "" && req.Identity != nil {
		var given stagedApplyIdentity
		resp.Diagnostics.Append(req.Identity.Get(ctx, &given)...)
		folded = given.Nodes.ValueString()
		if !given.Tenant.IsNull() {
			tenant = given.Tenant
		}
	}
	m := stagedApplyModel{Tenant: tenant, Xnames: types.ListValueMust(types.StringType, nil)}
	names, err := bos.Expand(folded, maxNames)
	if err == nil && folded != "" {
		list, diags := types.ListValueFrom(ctx, types.StringType, []string{bos.Fold(names)})
		resp.Diagnostics.Append(diags...)
		m.Xnames = list
		names, err = wanted(m.Xnames)
	}
	if err != nil || len(names) == 0 || tenant.ValueString() == "" && !tenant.IsNull() {
		resp.Diagnostics.AddError("Invalid import id", fmt.Sprintf("%q is neither a list of nodes nor tenant/nodes; nodes are such as x3000c0s[1-4]b0n0.", req.ID))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("tenant"), tenant)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("xnames"), m.Xnames)...)
	resp.Diagnostics.Append(m.identify(ctx, resp.Identity)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(isImported))...)
}

// adopt takes over what was applied to nodes before they were imported: those that run,
// or are brought to, what a session has staged for them. The others count as left alone.
func (r *stagedApplyResource) adopt(ctx context.Context, c *client.Client, m *stagedApplyModel) error {
	names, err := wanted(m.Xnames)
	if err != nil {
		return err
	}
	records, err := c.Components(ctx, bos.ComponentFilter{IDs: names})
	if err != nil {
		return err
	}
	stages := make(map[string]bool)
	var last time.Time
	var answer bos.StagedOutcome
	owner := make(map[string]string, len(records))
	for i := range records {
		record := &records[i]
		took := tookStaged(*record)
		if !took && record.Session != "" && record.StagedState.Session == "" {
			// With the option clear_stage, its session alone tells.
			if took, err = stagedBy(ctx, c, record.Session, stages); err != nil {
				return err
			}
		}
		if !took {
			continue
		}
		owner[record.ID] = record.Session
		answer.Succeeded = append(answer.Succeeded, record.ID)
		if at := record.DesiredState.LastUpdated.Time; at.After(last) {
			last = at
		}
	}
	if len(answer.Succeeded) == 0 {
		return fmt.Errorf("nothing that a session has staged was applied to %s, so there is nothing to import; create the resource instead, which applies "+
			"what is staged", bos.Fold(names))
	}
	slices.SortFunc(answer.Succeeded, bos.CompareXnames)
	m.ID, m.AppliedAt = types.StringValue(uuid.NewString()), types.StringValue(bos.At(last).String())
	m.noOutcome()
	m.take(completed(names, answer), owner)
	m.Status = types.StringValue(string(bos.SessionRunning))
	return nil
}

// stagedBy reports whether a session stages, as far as BOS has a record of it.
func stagedBy(ctx context.Context, c *client.Client, name string, known map[string]bool) (bool, error) {
	if stages, asked := known[name]; asked {
		return stages, nil
	}
	session, err := c.Session(ctx, name)
	if err != nil && !client.IsNotFound(err) {
		return false, err
	}
	known[name] = err == nil && session.Stage
	return known[name], nil
}
