package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// tfpolicies are the policies for Terraform Policy, whose program is not at hand:
// the test evaluates their expressions itself, on the plans that the Rego rules are
// tested on.
func tfpolicies(t *testing.T) hclsyntax.Blocks {
	t.Helper()
	file := "../policy/tfpolicy/nodes.policy.hcl"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, diags := hclsyntax.ParseConfig(content, file, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatal("the policies are no HCL")
	}
	return body.Blocks
}

// surroundings are what expressions of policies may use: the inputs with their
// defaults, or others.
func surroundings(t *testing.T, blocks hclsyntax.Blocks, inputs map[string]cty.Value) *hcl.EvalContext {
	t.Helper()
	given := make(map[string]cty.Value)
	for _, block := range blocks {
		if block.Type == "input" {
			value, diags := block.Body.Attributes["default"].Expr.Value(nil)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			given[block.Labels[0]] = value
		}
	}
	for name, value := range inputs {
		given[name] = value
	}
	return &hcl.EvalContext{
		Variables: map[string]cty.Value{"input": cty.ObjectVal(given)},
		Functions: map[string]function.Function{
			"core::try": tryfunc.TryFunc, "core::length": stdlib.LengthFunc, "core::keys": stdlib.KeysFunc, "core::contains": stdlib.ContainsFunc,
		},
	}
}

// denies reports whether a policy denies a resource with these attributes.
func denies(t *testing.T, policy *hclsyntax.Block, around *hcl.EvalContext, attrs json.RawMessage) bool {
	t.Helper()
	kind, err := ctyjson.ImpliedType(attrs)
	if err != nil {
		t.Fatal(err)
	}
	value, err := ctyjson.Unmarshal(attrs, kind)
	if err != nil {
		t.Fatal(err)
	}
	in := around.NewChild()
	in.Variables = map[string]cty.Value{"attrs": value}
	locals := make(map[string]cty.Value)
	denied := false
	for _, block := range policy.Body.Blocks {
		switch block.Type {
		case "locals":
			for name, attribute := range block.Body.Attributes {
				local, diags := attribute.Expr.Value(in)
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				locals[name] = local
			}
			in.Variables["local"] = cty.ObjectVal(locals)
		case "enforce":
			holds, diags := block.Body.Attributes["condition"].Expr.Value(in)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if _, diags := block.Body.Attributes["error_message"].Expr.Value(in); diags.HasErrors() {
				t.Fatal(diags)
			}
			denied = denied || holds.False()
		}
	}
	return denied
}

func TestThePoliciesForTerraformPolicyDecideAsTheRegoRulesDo(t *testing.T) {
	blocks := tfpolicies(t)
	everybody := map[string]cty.Value{"protected_roles": cty.ListValEmpty(cty.String), "allow_components": cty.True}
	for name, c := range map[string]struct {
		inputs map[string]cty.Value
		want   []string
	}{
		"boot_compute":        {nil, nil},
		"rollout":             {map[string]cty.Value{"rollout_above": cty.NumberIntVal(4)}, nil},
		"rollout_at_once":     {map[string]cty.Value{"rollout_above": cty.NumberIntVal(4)}, []string{"bos_session.rollout"}},
		"reboot_all":          {map[string]cty.Value{"rollout_above": cty.NumberIntVal(9)}, []string{"bos_session.protected_roles", "bos_session.rollout"}},
		"no_preview":          {everybody, []string{"bos_session.max_nodes", "bos_session.protected_roles", "bos_session.rollout"}},
		"nothing":             {nil, nil},
		"destroy":             {nil, nil},
		"staged":              {nil, []string{"bos_staged_apply.of_one_session"}},
		"staged_elsewhere":    {nil, []string{"bos_staged_apply.of_one_session"}},
		"component":           {nil, []string{"bos_component.armed"}},
		"component_unmanaged": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("../policy/testdata", name, "data.json"))
			if err != nil {
				t.Fatal(err)
			}
			var plan struct {
				Changes []struct {
					Type   string
					Change struct {
						Actions []string
						After   json.RawMessage
					}
				} `json:"resource_changes"`
			}
			if err := json.Unmarshal(content, &plan); err != nil {
				t.Fatal(err)
			}
			around := surroundings(t, blocks, c.inputs)
			var denied []string
			for _, change := range plan.Changes {
				for _, policy := range blocks {
					if policy.Type == "resource_policy" && policy.Labels[0] == change.Type && concerns(t, policy, change.Change.Actions) && denies(t, policy, around, change.Change.After) {
						denied = append(denied, policy.Labels[0]+"."+policy.Labels[1])
					}
				}
			}
			slices.Sort(denied)
			if diff := cmp.Diff(c.want, denied); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestThePolicyOnTheProviderBlockWantsGuards(t *testing.T) {
	blocks := tfpolicies(t)
	for _, policy := range blocks {
		if policy.Type != "provider_policy" {
			continue
		}
		around := surroundings(t, blocks, nil)
		for attrs, want := range map[string]bool{`{}`: true, `{"max_nodes":null,"protected_roles":null}`: true, `{"max_nodes":8,"protected_roles":["Management"]}`: false} {
			if got := denies(t, policy, around, json.RawMessage(attrs)); got != want {
				t.Errorf("%s is denied: %t", attrs, got)
			}
		}
		return
	}
	t.Error("there is no policy on the provider block")
}

// concerns reports whether a policy is about one of the actions.
func concerns(t *testing.T, policy *hclsyntax.Block, actions []string) bool {
	t.Helper()
	operations, diags := policy.Body.Attributes["operations"].Expr.Value(nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, operation := range operations.AsValueSlice() {
		if slices.Contains(actions, operation.AsString()) {
			return true
		}
	}
	return false
}

func TestThePoliciesForTerraformPolicyNameAttributesThatThereAre(t *testing.T) {
	schema, err := newServer().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, policy := range tfpolicies(t) {
		known := make(map[string]bool)
		switch policy.Type {
		case "resource_policy":
			for _, attribute := range schema.ResourceSchemas[policy.Labels[0]].Block.Attributes {
				known[attribute.Name] = true
			}
		case "provider_policy":
			for _, attribute := range schema.Provider.Block.Attributes {
				known[attribute.Name] = true
			}
		default:
			continue
		}
		_ = hclsyntax.VisitAll(policy.Body, func(node hclsyntax.Node) hcl.Diagnostics {
			if e, ok := node.(*hclsyntax.ScopeTraversalExpr); ok && e.Traversal.RootName() == "attrs" {
				if step, ok := e.Traversal[1].(hcl.TraverseAttr); ok && !known[step.Name] {
					t.Errorf("%v: there is no attribute %s", policy.Labels, step.Name)
				}
			}
			return nil
		})
	}
}
