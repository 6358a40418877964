package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// privateForetold is what the warnings of a replacement went by. Terraform plans a
// replacement in two calls: one compares it with the state and may warn, with arguments
// below ignore_changes as the state has them; the other plans what is created, with all
// arguments as they are written, and its warnings are dropped. The private data of the
// first are given to the second, where an error is not dropped.
const privateForetold = "foretold"

// nothingForetold ends what was noted: a replacement that Terraform itself decides on
// has a first call without warnings.
const nothingForetold = "null"

// foretold are the arguments that say what runs on which nodes, in a form in which equal
// ones are written alike. What is not known yet is not in it.
type foretold map[string]string

// says notes an argument.
func (f foretold) says(name string, value attr.Value) {
	text := value.String()
	if limit, ok := value.(types.String); ok && name == "limit" && !limit.IsNull() && !limit.IsUnknown() {
		text = plainLimit(limit.ValueString())
	}
	if value.IsUnknown() || strings.Contains(text, attr.UnknownValueString) {
		return
	}
	f[name] = text
}

// plainLimit is a limit in a form that it has however it is written: of what it adds and
// takes out, the order counts.
func plainLimit(limit string) string {
	parsed, err := bos.ParseLimit(limit)
	if err != nil {
		return limit
	}
	return parsed.Plain()
}

// saysRollout notes a rollout as BOS gets it, in which 60m and 1h are alike.
func (f foretold) saysRollout(given types.Object) {
	f.says("rollout", given)
	rollout, err := rolloutOf(context.Background(), given)
	if _, said := f["rollout"]; !said || err != nil || rollout == nil {
		return
	}
	rollout.CanaryNodes = plainLimit(rollout.CanaryNodes)
	if plain, err := json.Marshal(rollout); err == nil {
		f["rollout"] = string(plain)
	}
}

func (m *sessionModel) foretells() foretold {
	f := make(foretold)
	f.says("operation", m.Operation)
	f.says("template_name", m.TemplateName)
	f.says("limit", m.Limit)
	f.says("stage", m.Stage)
	f.says("write_staged_boot_parameters", m.StagedBoot)
	f.says("include_disabled", m.IncludeDisabled)
	f.says("tenant", m.Tenant)
	f.saysRollout(m.Rollout)
	return f
}

func (m *stagedApplyModel) foretells() foretold {
	f := make(foretold)
	f.says("session", m.Session)
	f.says("tenant", m.Tenant)
	if names, err := wanted(m.Xnames); err == nil && !m.Xnames.IsUnknown() && !strings.Contains(m.Xnames.String(), attr.UnknownValueString) {
		f["xnames"] = strings.Join(names, ",")
	}
	return f
}

// foretells is what the plan of a component says loudly, by the argument that it is about.
func (d componentDecision) foretells() foretold {
	f := make(foretold)
	for _, w := range d.warnings {
		f[w.attribute] += w.summary + ": " + w.detail + "\n"
	}
	return f
}

// privateData are the private data of a request or an answer.
type privateData interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

type readPrivateData interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// note hands what the warnings of this call went by to the call that plans what is created.
func (f foretold) note(ctx context.Context, private privateData, diags *diag.Diagnostics) {
	noted, err := json.Marshal(f)
	if err != nil {
		diags.AddError("Unable to note what the plan warns of", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, privateForetold, noted)...)
}

// holds refuses to create what the warnings were not about. With loud, only what this
// plan would warn of counts.
func (f foretold) holds(ctx context.Context, was readPrivateData, is privateData, loud bool, diags *diag.Diagnostics) {
	noted, d := was.GetKey(ctx, privateForetold)
	diags.Append(d...)
	if len(noted) == 0 || string(noted) == nothingForetold {
		return
	}
	diags.Append(is.SetKey(ctx, privateForetold, []byte(nothingForetold))...)
	var said foretold
	if err := json.Unmarshal(noted, &said); err != nil {
		diags.AddError("Unable to read what the plan warned of", fmt.Sprintf("%v; plan again", err))
		return
	}
	var others []string
	for name, value := range f {
		if before, known := said[name]; value != before && (known || loud) {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		return
	}
	slices.Sort(others)
	diags.AddError("The warnings of this plan are about something else than what would run",
		fmt.Sprintf("Terraform compares %s with the state as if ignore_changes held, and so the warnings of this plan name what the state has; it creates what is "+
			"written in the configuration, which is something else. Nothing was touched. Take %[1]s out of ignore_changes, or write what the state has, and plan again.",
			strings.Join(others, " and ")))
}
