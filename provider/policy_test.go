package provider_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// plansToRecord are the configurations whose plans the policies are tested
// against, by the name of the folder in policy/testdata.
var plansToRecord = map[string]string{
	"boot_compute": `
resource "bos_session" "boot" {
  operation     = "boot"
  template_name = bos_session_template.system.name
  limit         = "Compute"
}
`,
	"reboot_all": `
resource "bos_session" "reboot" {
  operation     = "reboot"
  template_name = bos_session_template.system.name
}
`,
	"rollout": `
resource "bos_session" "boot" {
  operation     = "boot"
  template_name = bos_session_template.system.name
  limit         = "Compute"
  rollout       = { canary = 2, batches = [4] }
}
`,
	"rollout_at_once": `
resource "bos_session" "boot" {
  operation     = "boot"
  template_name = bos_session_template.system.name
  limit         = "Compute"
  rollout       = { max_in_flight = 2 }
}
`,
	"no_preview": `
resource "bos_session" "elsewhere" {
  operation     = "reboot"
  template_name = "not-stored-yet"
}
`,
	"staged": `
resource "bos_session" "stage" {
  operation     = "reboot"
  template_name = bos_session_template.system.name
  limit         = "Compute"
  stage         = true
}

resource "bos_staged_apply" "now" {
  xnames   = [bos_session.stage.planned_nodes]
  triggers = { session = bos_session.stage.id }
}
`,
	"staged_elsewhere": `
resource "bos_staged_apply" "now" {
  xnames = ["x1000c0s[0-7]b0n0"]
}
`,
	"component": `
resource "bos_component" "one" {
  xname         = "x1000c0s0b0n0"
  enabled       = true
  desired_state = { boot_artifacts = { kernel = "s3://boot-images/k", initrd = "s3://boot-images/i", kernel_parameters = "quiet" } }
}
`,
	"component_unknown": `
resource "terraform_data" "later" { input = true }

resource "bos_component" "one" {
  xname   = "x1000c0s0b0n0"
  enabled = terraform_data.later.output
}
`,
	"component_unmanaged": `
resource "bos_component" "one" {
  xname        = "x1000c0s0b0n0"
  retry_policy = 5
}
`,
	"nothing": ``,
}

const system = `
resource "bos_session_template" "system" {
  name       = "system"
  enable_cfs = false
  boot_sets = {
    all = {
      path              = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
      node_roles_groups = ["Compute", "Management"]
    }
  }
}
`

// TestThePoliciesAreTestedOnPlansAsTerraformMakesThem compares the plans in
// policy/testdata with those that the real Terraform makes against the bundled
// service. With UPDATE_PLANS=1 it writes them instead.
func TestThePoliciesAreTestedOnPlansAsTerraformMakesThem(t *testing.T) {
	t.Parallel()
	url := serve(t)
	block := "provider \"bos\" {\n  endpoint = \"" + url + "\"\n}\n"
	for _, name := range slices.Sorted(maps.Keys(plansToRecord)) {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.write(block, system, plansToRecord[name])
			w.terraform("plan", "-no-color", "-input=false", "-out=plan").exits(t, 0)
			compareRecorded(t, name, w.policyInput())
		})
	}
	t.Run("destroy", func(t *testing.T) {
		w := newWorkspace(t)
		w.write(block, system, plansToRecord["boot_compute"])
		w.apply().exits(t, 0)
		w.terraform("plan", "-destroy", "-no-color", "-input=false", "-out=plan").exits(t, 0)
		compareRecorded(t, "destroy", w.policyInput())
	})
}

// policyInput is the part of the saved plan that policies read, as JSON.
func (w *workspace) policyInput() map[string]any {
	w.t.Helper()
	cmd, out := w.command(w.t.Context(), "show", "-json", "plan")
	cmd.Stderr = nil
	if err := cmd.Run(); err != nil {
		w.t.Fatal(err)
	}
	var plan map[string]any
	if err := json.Unmarshal(out.Bytes(), &plan); err != nil {
		w.t.Fatalf("terraform show -json: %v in %.200s", err, out)
	}
	input := map[string]any{"format_version": plan["format_version"], "resource_changes": steady(plan["resource_changes"])}
	if configuration, ok := plan["configuration"].(map[string]any); ok { // without the provider's, which has the address
		input["configuration"] = map[string]any{"root_module": steady(configuration["root_module"])}
	}
	return input
}

// steady blanks what differs from run to run, and from Terraform to OpenTofu.
func steady(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = steady(v[i])
		}
	case map[string]any:
		for name := range v {
			switch _, text := v[name].(string); {
			case name == "before_identity" || name == "after_identity", name == "store" && v[name] == nil: // not in every core
				delete(v, name)
			case text && slices.Contains([]string{"start_time", "end_time", "pin", "provider_name"}, name):
				v[name] = "(varies)"
			case text && (name == "id" || name == "name") && v["operation"] != nil:
				v[name] = "(varies)"
			default:
				v[name] = steady(v[name])
			}
		}
	}
	return value
}

func compareRecorded(t *testing.T, name string, plan map[string]any) {
	t.Helper()
	path := filepath.Join("../policy/testdata", name, "data.json")
	if os.Getenv("UPDATE_PLANS") != "" {
		content, err := json.MarshalIndent(plan, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(content, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; record it with UPDATE_PLANS=1", err)
	}
	var recorded map[string]any
	if err := json.Unmarshal(content, &recorded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recorded, plan); diff != "" {
		t.Errorf("the recorded plan is not what Terraform makes now; look at the difference and record it with UPDATE_PLANS=1 (- recorded, + now):\n%s", diff)
	}
}

// TestThePolicyForActionsIsTestedOnActionsThatTheProviderHas: the recorded plan
// with actions is written by hand, as no Terraform that builds here plans them.
func TestThePolicyForActionsIsTestedOnActionsThatTheProviderHas(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../policy/testdata/actions/data.json")
	if err != nil {
		t.Fatal(err)
	}
	var plan struct {
		ActionInvocations []struct {
			Type         string         `json:"type"`
			ConfigValues map[string]any `json:"config_values"`
		} `json:"action_invocations"`
	}
	if err := json.Unmarshal(content, &plan); err != nil {
		t.Fatal(err)
	}
	schema, err := newServer().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	tested := make(map[string]bool)
	for _, invocation := range plan.ActionInvocations {
		tested[invocation.Type] = true
		action, found := schema.ActionSchemas[invocation.Type]
		if !found {
			t.Errorf("there is no action %s", invocation.Type)
			continue
		}
		var arguments []string
		for _, attribute := range action.Schema.Block.Attributes {
			arguments = append(arguments, attribute.Name)
		}
		slices.Sort(arguments)
		if diff := cmp.Diff(arguments, slices.Sorted(maps.Keys(invocation.ConfigValues))); diff != "" {
			t.Errorf("%s has other arguments (- now, + recorded):\n%s", invocation.Type, diff)
		}
	}
	for name := range schema.ActionSchemas {
		if !tested[name] {
			t.Errorf("the policies are not tested on action %s", name)
		}
	}
}
