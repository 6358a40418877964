package provider_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// verdict is what a policy says of a resource.
type verdict string

// The verdicts. One that is open waits for a value that is not known yet: it is looked
// at again during the apply, before the resource is touched.
const (
	passes verdict = "passes"
	open   verdict = "open"
	denied verdict = "denied"
)

// judge says what a policy says of a resource with these attributes.
func judge(t *testing.T, policy *hclsyntax.Block, around *hcl.EvalContext, attrs cty.Value) verdict {
	t.Helper()
	in := around.NewChild()
	in.Variables = map[string]cty.Value{"attrs": attrs}
	locals := make(map[string]cty.Value)
	said := passes
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
			switch {
			case !holds.IsKnown() && said == passes:
				said = open
			case holds.IsKnown() && holds.False():
				said = denied
			}
		}
	}
	return said
}

// known is JSON as the value that Terraform has of it.
func known(t *testing.T, text json.RawMessage) cty.Value {
	t.Helper()
	kind, err := ctyjson.ImpliedType(text)
	if err != nil {
		t.Fatal(err)
	}
	value, err := ctyjson.Unmarshal(text, kind)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// recordedChange is one of a plan that was recorded.
type recordedChange struct {
	Address, Type string
	Change        struct {
		Actions []string
		After   json.RawMessage
		Unknown map[string]json.RawMessage `json:"after_unknown"`
	}
}

// attrs is the resource as a policy has it: with what is unknown when the plan is made,
// but for the values that come out later.
func (c recordedChange) attrs(t *testing.T, later map[string]cty.Value) cty.Value {
	t.Helper()
	after := known(t, c.Change.After)
	if after.IsNull() {
		return after
	}
	all := after.AsValueMap()
	if all == nil {
		all = make(map[string]cty.Value)
	}
	for name, of := range c.Change.Unknown {
		if string(of) == "true" {
			all[name] = cty.DynamicVal
		}
	}
	maps.Copy(all, later)
	return cty.ObjectVal(all)
}

// recordedPlan is one of those that the Rego rules are tested on.
type recordedPlan struct {
	Changes []recordedChange        `json:"resource_changes"`
	Actions []struct{ Type string } `json:"action_invocations"`
}

func readPlan(t *testing.T, name string) (p recordedPlan) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../policy/testdata", name, "data.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// said are the policies that have something against a plan, by what they say of it.
func (p recordedPlan) said(t *testing.T, blocks hclsyntax.Blocks, inputs, later map[string]cty.Value) map[verdict][]string {
	t.Helper()
	around := surroundings(t, blocks, inputs)
	all := make(map[verdict][]string)
	for _, change := range p.Changes {
		for _, policy := range blocks {
			if policy.Type != "resource_policy" || policy.Labels[0] != change.Type || !concerns(t, policy, change.Change.Actions) {
				continue
			}
			if v := judge(t, policy, around, change.attrs(t, later)); v != passes {
				all[v] = append(all[v], policy.Labels[0]+"."+policy.Labels[1])
			}
		}
	}
	for _, names := range all {
		slices.Sort(names)
	}
	return all
}

func number(n int64) cty.Value { return cty.NumberIntVal(n) }

func role(name string) cty.Value { return cty.ListVal([]cty.Value{cty.StringVal(name)}) }

// tfpolicyCases are those of ../policy/bos/policy_test.rego: each plan with each
// setting that a test there has. What is open at the plan is judged anew with what
// comes out during the apply.
var tfpolicyCases = map[string]struct {
	plan   string
	inputs map[string]cty.Value
	denied []string
	// open is open at the plan; deniedLater is denied when later is known.
	open        []string
	later       map[string]cty.Value
	deniedLater []string
	// stillOpen is what nobody knows during the apply either.
	stillOpen []string
	// unseen are the actions that the Rego rules deny and no resource policy sees.
	unseen []string
}{
	"a boot of compute nodes":                 {plan: "boot_compute"},
	"more nodes than allowed":                 {plan: "boot_compute", inputs: map[string]cty.Value{"max_nodes": number(7)}, denied: []string{"bos_session.max_nodes"}},
	"as many nodes as allowed":                {plan: "boot_compute", inputs: map[string]cty.Value{"max_nodes": number(8), "rollout_above": number(8)}},
	"a reboot of management nodes":            {plan: "reboot_all", denied: []string{"bos_session.protected_roles"}},
	"roles protected by setting":              {plan: "boot_compute", inputs: map[string]cty.Value{"protected_roles": role("Compute")}, denied: []string{"bos_session.protected_roles"}},
	"more nodes without a rollout":            {plan: "boot_compute", inputs: map[string]cty.Value{"rollout_above": number(4)}, denied: []string{"bos_session.rollout"}},
	"more nodes with a rollout":               {plan: "rollout", inputs: map[string]cty.Value{"rollout_above": number(4)}},
	"a rollout that begins with more":         {plan: "rollout_at_once", inputs: map[string]cty.Value{"rollout_above": number(4)}, denied: []string{"bos_session.rollout"}},
	"a plan that changes nothing":             {plan: "nothing", inputs: map[string]cty.Value{"max_nodes": number(0), "rollout_above": number(0)}},
	"a destroy":                               {plan: "destroy", inputs: map[string]cty.Value{"max_nodes": number(0), "rollout_above": number(0)}},
	"staged state":                            {plan: "staged", inputs: map[string]cty.Value{"max_nodes": number(7), "rollout_above": number(4)}, denied: []string{"bos_staged_apply.of_one_session"}},
	"staged state from elsewhere":             {plan: "staged_elsewhere", denied: []string{"bos_staged_apply.of_one_session"}},
	"a component that is armed":               {plan: "component", denied: []string{"bos_component.armed"}},
	"a component that may be armed":           {plan: "component", inputs: map[string]cty.Value{"allow_components": cty.True}},
	"a plan without a preview, told later":    {plan: "no_preview", open: sessionPolicies, later: map[string]cty.Value{"planned_batches": cty.NullVal(cty.DynamicPseudoType), "planned_count": number(8), "planned_roles": cty.ObjectVal(map[string]cty.Value{"Compute": cty.StringVal("a")})}},
	"a plan without a preview, too many":      {plan: "no_preview", inputs: map[string]cty.Value{"max_nodes": number(4), "rollout_above": number(4)}, open: sessionPolicies, later: map[string]cty.Value{"planned_batches": cty.NullVal(cty.DynamicPseudoType), "planned_count": number(8), "planned_roles": cty.ObjectVal(map[string]cty.Value{"Management": cty.StringVal("a")})}, deniedLater: sessionPolicies},
	"a plan without a preview, never told":    {plan: "no_preview", open: sessionPolicies, later: map[string]cty.Value{"planned_batches": cty.NullVal(cty.DynamicPseudoType), "planned_count": cty.NullVal(cty.Number), "planned_roles": cty.NullVal(cty.DynamicPseudoType)}, deniedLater: sessionPolicies},
	"an enabled that becomes true":            {plan: "component_unknown", open: []string{"bos_component.armed"}, later: map[string]cty.Value{"enabled": cty.True}, deniedLater: []string{"bos_component.armed"}},
	"an enabled that becomes true and may be": {plan: "component_unknown", inputs: map[string]cty.Value{"allow_components": cty.True}, open: []string{"bos_component.armed"}, later: map[string]cty.Value{"enabled": cty.True}},
	"an enabled that becomes false":           {plan: "component_unknown", open: []string{"bos_component.armed"}, later: map[string]cty.Value{"enabled": cty.False}},
	// The configuration, by which the Rego rules tell it from the one before, is not
	// seen. It stays unknown until the component was adopted.
	"a component without enabled": {plan: "component_unmanaged", open: []string{"bos_component.armed"}, stillOpen: []string{"bos_component.armed"}},
	"actions":                     {plan: "actions", unseen: []string{"bos_session_run", "bos_staged_apply", "bos_session_retry"}},
}

var sessionPolicies = []string{"bos_session.max_nodes", "bos_session.protected_roles", "bos_session.rollout"}

func TestThePoliciesForTerraformPolicyDecideAsTheRegoRulesDo(t *testing.T) {
	t.Parallel()
	blocks := tfpolicies(t)
	for name, c := range tfpolicyCases {
		t.Run(name, func(t *testing.T) {
			plan := readPlan(t, c.plan)
			for when, w := range map[string]struct {
				later        map[string]cty.Value
				denied, open []string
			}{
				"at the plan":      {nil, c.denied, c.open},
				"during the apply": {c.later, append(slices.Clone(c.denied), c.deniedLater...), c.stillOpen},
			} {
				got := plan.said(t, blocks, c.inputs, w.later)
				if diff := cmp.Diff([][]string{w.denied, w.open}, [][]string{got[denied], got[open]}); diff != "" {
					t.Errorf("%s, denied and open: %s", when, diff)
				}
			}
			var unseen []string
			for _, action := range plan.Actions {
				if strings.HasPrefix(action.Type, "bos_") && action.Type != "bos_session_cancel" {
					unseen = append(unseen, action.Type)
				}
			}
			if diff := cmp.Diff(c.unseen, unseen); diff != "" {
				t.Errorf("actions that no policy sees: %s", diff)
			}
		})
	}
}

// TestEveryRecordedPlanIsTriedOnBothKindsOfPolicies: the Rego rules had plans that the
// others were never shown.
func TestEveryRecordedPlanIsTriedOnBothKindsOfPolicies(t *testing.T) {
	t.Parallel()
	rego, err := os.ReadFile("../policy/bos/policy_test.rego")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := os.ReadDir("../policy/testdata")
	if err != nil || len(folders) == 0 {
		t.Fatal("there is no plan", err)
	}
	tried := make(map[string]bool)
	for _, c := range tfpolicyCases {
		tried[c.plan] = true
	}
	for _, folder := range folders {
		if !tried[folder.Name()] {
			t.Errorf("the policies for Terraform Policy are not tried on %s", folder.Name())
		}
		if !regexp.MustCompile(`testdata\.` + folder.Name() + `\b`).Match(rego) {
			t.Errorf("the Rego rules are not tried on %s", folder.Name())
		}
	}
}

// TestWhatNoPolicyForTerraformPolicySeesIsLeftToTheGuards: there is no policy on
// actions, so the one on the provider block says what holds them.
func TestWhatNoPolicyForTerraformPolicySeesIsLeftToTheGuards(t *testing.T) {
	t.Parallel()
	for _, block := range tfpolicies(t) {
		switch block.Type {
		case "policy", "input", "resource_policy":
			if block.Type == "resource_policy" && (block.Labels[0] == "bos_session_run" || block.Labels[0] == "bos_session_cancel") {
				t.Errorf("%v is on an action; try it on the plan with actions", block.Labels)
			}
		case "provider_policy":
			content, err := os.ReadFile("../policy/tfpolicy/nodes.policy.hcl")
			if err != nil {
				t.Fatal(err)
			}
			if message := string(block.Body.Blocks[0].Body.Attributes["error_message"].Expr.Range().SliceBytes(content)); !strings.Contains(message, "actions") {
				t.Errorf("it does not say that it is for actions: %s", message)
			}
		default:
			t.Errorf("%s %v: a policy of a kind that no test tries", block.Type, block.Labels)
		}
	}
}

func TestThePolicyOnTheProviderBlockWantsGuards(t *testing.T) {
	t.Parallel()
	blocks := tfpolicies(t)
	for _, policy := range blocks {
		if policy.Type != "provider_policy" {
			continue
		}
		around := surroundings(t, blocks, nil)
		for attrs, want := range map[string]bool{`{}`: true, `{"max_nodes":null,"protected_roles":null}`: true, `{"max_nodes":8,"protected_roles":["Management"]}`: false} {
			if got := judge(t, policy, around, known(t, json.RawMessage(attrs))) == denied; got != want {
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
	t.Parallel()
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
