package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// titleGuarded is the title of the service's refusal of what goes beyond a guard,
// and of our diagnostics for it.
const titleGuarded = "Beyond a guard"

// maxGuard is the largest bound that a guard takes.
const maxGuard = 10_000_000

// guardAttributes bound what any session of this provider block may do.
func guardAttributes() map[string]schema.Attribute {
	const enforced = " It goes along with each session and each `bos_staged_apply`, and BOS refuses what goes beyond it when it is created, whatever the plan " +
		"said. A plain BOS v2 enforces none: "
	return map[string]schema.Attribute{
		"max_nodes": schema.Int64Attribute{
			Optional: true, Validators: []validator.Int64{int64validator.Between(0, maxGuard)},
			MarkdownDescription: "How many nodes one session, or one application of staged state, may act on." + enforced + "sessions are then refused unless their " +
				"nodes are named one by one in `limit` or `node_list`." + orVariable(maxNodesVariable),
		},
		"protected_roles": schema.ListAttribute{
			Optional: true, ElementType: types.StringType,
			Validators: []validator.List{
				listvalidator.SizeAtMost(bos.MaxProtectedRoles),
				noNullEntries{},
				listvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, bos.MaxComponentID)),
			},
			MarkdownDescription: "Roles in the inventory, such as `Management`, whose nodes no session and no staged state may act on. One that no node has, and " +
				"that HSM does not have by itself, is refused, since it would protect nothing." + enforced + "all sessions are " +
				"then refused." + orVariable(protectedRolesVariable),
		},
		"max_reboots": schema.Int64Attribute{
			Optional: true, Validators: []validator.Int64{int64validator.Between(0, maxGuard)},
			MarkdownDescription: "How many nodes that are on, or may be, one session may take down, to reboot them or to shut them down; `0` lets it boot nodes " +
				"that are off." + enforced + "all sessions but those that stage are then refused." + orVariable(maxRebootsVariable),
		},
	}
}

// guardsOf are the bounds that the provider block sets.
func (m providerModel) guardsOf() bos.Guards {
	var g bos.Guards
	for bound, given := range map[**int]types.Int64{&g.MaxNodes: m.MaxNodes, &g.MaxReboots: m.MaxReboots} {
		if !given.IsNull() && !given.IsUnknown() {
			n := int(given.ValueInt64())
			*bound = &n
		}
	}
	g.ProtectedRoles = wordsOf(m.ProtectedRoles) // while one is not known there is no client that would send them
	return g
}

func (s *shared) guardsToSend() *bos.Guards {
	if s == nil || !s.guards.Set() {
		return nil
	}
	g := s.guards
	return &g
}

// guard says at plan that a session goes beyond a guard, or that nobody would
// enforce it.
func (r *sessionResource) guard(ctx context.Context, plan *sessionModel, preview *bos.Preview, why blindness, diags *diag.Diagnostics) {
	if r.shared == nil || !r.shared.guards.Set() {
		return
	}
	const bounded = "The provider block bounds what a session may do: "
	what := fmt.Sprintf("%s: the session %s", titleGuarded, asked(plan.Operation, plan.TemplateName, plan.Limit))
	if preview != nil {
		against := r.shared.guards.Against(*preview)
		wayOut := " Name fewer nodes in limit, or change the guard."
		if len(against) == 0 {
			wayOut = "" // what only BOS can tell, such as a slip in a role, has its own
		}
		for _, text := range preview.Refused {
			if !r.shared.isApplying() && !slices.Contains(against, text) {
				against = append(against, text)
			}
		}
		if len(against) > 0 {
			diags.AddError(what, bounded+strings.Join(against, "; ")+". No node was touched."+wayOut)
		}
		return
	}
	if why.kind != blindForGood || plan.unknownArgument() != "" {
		return
	}
	template, err := r.plannedTemplate(ctx, plan, diags)
	if err != nil || template == nil {
		return // it is written in this run; the session itself is held to the guard
	}
	request := plan.request().SessionCreate
	if text := client.GuardPlain(r.shared.guards, *template, request); text != "" {
		diags.AddError(what, bounded+text+".")
	}
}

// plannedTemplate is what this run is going to write, or what BOS has.
func (r *sessionResource) plannedTemplate(ctx context.Context, plan *sessionModel, diags *diag.Diagnostics) (*bos.SessionTemplate, error) {
	planned, found := r.shared.planned.get(plan.Tenant.ValueString(), plan.TemplateName.ValueString())
	if found {
		return planned, nil
	}
	stored, err := r.shared.reach(plan.Tenant, diags).Template(ctx, plan.TemplateName.ValueString())
	return &stored, err
}

// isGuard reports whether something was refused for going beyond a guard, or since
// nobody would enforce it.
func isGuard(err error) bool {
	var answer *client.Error
	var unguarded *client.Unguarded
	return errors.As(err, &unguarded) || errors.As(err, &answer) && client.IsConflict(err) && answer.Title == titleGuarded
}

// reasonFor is the reason that goes along with a session: the given one, or the run
// of the pipeline that this is.
func (s *shared) reasonFor(given types.String) string {
	text := given.ValueString()
	if text == "" && s != nil {
		text = s.reason
	}
	return text
}

// workspaceName is the workspace that Terraform runs in, for the history: what the
// environment says, or what Terraform keeps beside its configuration.
func workspaceName(getenv func(string) string, read func(string) ([]byte, error)) string {
	if name := cmp.Or(getenv("TFC_WORKSPACE_NAME"), getenv("TF_WORKSPACE")); name != "" {
		return name
	}
	chosen, err := read(filepath.Join(cmp.Or(getenv("TF_DATA_DIR"), ".terraform"), "environment"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(chosen))
}

// pipelineRun is the run of a pipeline that the environment tells of; empty if it
// tells of none.
func pipelineRun(getenv func(string) string) string {
	var run string
	switch {
	case getenv("TFC_RUN_ID") != "":
		run = "HCP Terraform run " + getenv("TFC_RUN_ID")
		if workspace := getenv("TFC_WORKSPACE_NAME"); workspace != "" {
			run += " of workspace " + workspace
		}
	case getenv("CI_JOB_URL") != "":
		run = "GitLab job " + getenv("CI_JOB_URL")
	case getenv("GITHUB_RUN_ID") != "":
		run = "GitHub run " + cmp.Or(getenv("GITHUB_SERVER_URL"), "https://github.com") + "/" + getenv("GITHUB_REPOSITORY") + "/actions/runs/" + getenv("GITHUB_RUN_ID")
	case getenv("BUILD_URL") != "":
		run = "build " + getenv("BUILD_URL")
	}
	run = strings.Join(strings.Fields(run), " ")
	if len(run) > bos.MaxReason {
		run = strings.ToValidUTF8(run[:bos.MaxReason], "")
	}
	return run
}

func pipelineRunOfEnvironment() string { return pipelineRun(os.Getenv) }
