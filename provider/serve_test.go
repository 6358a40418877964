package provider

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

func TestLogsAreWrittenOnlyIfTerraformWasAskedForThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ env, want map[string]string }{
		"nobody asked":                {nil, map[string]string{"TF_LOG_SDK": "OFF", "TF_LOG_PROVIDER_BOS": "OFF"}},
		"for all logs":                {map[string]string{"TF_LOG": "TRACE"}, map[string]string{"TF_LOG": "TRACE"}},
		"for logs of providers":       {map[string]string{"TF_LOG_PROVIDER": "INFO"}, map[string]string{"TF_LOG_PROVIDER": "INFO"}},
		"for logs of this provider":   {map[string]string{"TF_LOG_PROVIDER_BOS": "INFO"}, map[string]string{"TF_LOG_SDK": "OFF", "TF_LOG_PROVIDER_BOS": "INFO"}},
		"for logs of the core itself": {map[string]string{"TF_LOG_CORE": "INFO"}, map[string]string{"TF_LOG_CORE": "INFO", "TF_LOG_SDK": "OFF", "TF_LOG_PROVIDER_BOS": "OFF"}},
	} {
		env := maps.Clone(c.env)
		if env == nil {
			env = map[string]string{}
		}
		err := hush(func(name string) string { return env[name] }, func(name, value string) error { env[name] = value; return nil })
		if err != nil || !maps.Equal(env, c.want) {
			t.Errorf("%s: the environment is %v (%v)", name, env, err)
		}
	}
}

// counting counts the plans that reach the framework.
type counting struct {
	frameworkServer
	plans int
}

// PlanResourceChange answers nothing.
func (c *counting) PlanResourceChange(context.Context, *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	c.plans++
	return &tfprotov6.PlanResourceChangeResponse{}, nil
}

func TestOnlyAComponentThatStaysAsItIsIsPlannedWithoutTheFramework(t *testing.T) {
	t.Parallel()
	object := func(content ...byte) *tfprotov6.DynamicValue { return &tfprotov6.DynamicValue{MsgPack: content} }
	for name, c := range map[string]struct {
		kind            string
		prior, proposed *tfprotov6.DynamicValue
		private         string
		asked           bool
	}{
		"the same":                {"bos_component", object(0x81, 1), object(0x81, 1), "kept", false},
		"one that is waited for":  {"bos_component", object(0x81, 1), object(0x81, 1), `{"wait_is_not_over":"dHJ1ZQ=="}`, true},
		"another":                 {"bos_component", object(0x81, 1), object(0x81, 2), "", true},
		"a new one":               {"bos_component", object(0xc0), object(0x81, 1), "", true},
		"one that goes":           {"bos_component", object(0x81, 1), object(0xc0), "", true},
		"none at all":             {"bos_component", object(0xc0), object(0xc0), "", true},
		"a session, which warns":  {"bos_session", object(0x81, 1), object(0x81, 1), "", true},
		"a template, kept for it": {"bos_session_template", object(0x81, 1), object(0x81, 1), "", true},
		"an empty request":        {"bos_component", nil, nil, "", true},
	} {
		framework := &counting{}
		got, err := server{framework, func() *types.String { return nil }, func() *plannedOnce { return nil }}.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
			TypeName: c.kind, PriorState: c.prior, ProposedNewState: c.proposed, PriorPrivate: []byte(c.private),
			Config: object(append([]byte("\xa7enabled"), 0xc0)...),
		})
		if err != nil || framework.plans == 1 != c.asked {
			t.Errorf("%s: the framework was asked %d times (%v)", name, framework.plans, err)
		}
		if !c.asked && (!bytes.Equal(got.PlannedState.MsgPack, c.prior.MsgPack) || string(got.PlannedPrivate) != "kept") {
			t.Errorf("%s: the plan is %+v", name, got)
		}
	}
}

func TestAComponentIsSteadyOnlyIfItsEnabledIsTheOneAskedForBefore(t *testing.T) {
	t.Parallel()
	const null, no, yes = "\xa7enabled\xc0", "\xa7enabled\xc2", "\xa7enabled\xc3"
	const askedYes, askedNo, askedNone = `{"enabled_asked":"dHJ1ZQ=="}`, `{"enabled_asked":"ZmFsc2U="}`, `{"enabled_asked":"bnVsbA=="}`
	const imported, before = `{"imported":"dHJ1ZQ=="}`, `{"enabled_is_configured":"dHJ1ZQ=="}`
	for name, c := range map[string]struct {
		config, private string
		steady          bool
	}{
		"true as before":                      {yes, askedYes, true},
		"false as before":                     {no, askedNo, true},
		"none as before":                      {null, askedNone, true},
		"none, of which nothing was kept":     {null, "", true},
		"false for the first time":            {no, askedNone, false},
		"true for the first time":             {yes, askedNone, false},
		"false where nothing was kept":        {no, "", false},
		"false instead of true":               {no, askedYes, false},
		"true instead of false":               {yes, askedNo, false},
		"none instead of true":                {null, askedYes, false},
		"false, imported":                     {no, imported, true},
		"none instead of one that is older":   {null, before, false},
		"true, and one that is older":         {yes, before, false},
		"unknown":                             {"\xa7enabled\xd4\x00\x00", askedYes, false},
		"a text that looks like it":           {"\xaa\xc2\xa7enabled\xc3\xa9" + no, askedYes, false},
		"false as before, and waited for":     {no, `{"enabled_asked":"ZmFsc2U=","wait_is_not_over":"dHJ1ZQ=="}`, false},
		"no configuration that can be looked": {"", askedNone, false},
	} {
		if got := steadyComponent(&tfprotov6.DynamicValue{MsgPack: []byte(c.config)}, []byte(c.private)); got != c.steady {
			t.Errorf("%s: it is steady: %t", name, got)
		}
	}
}

func TestTheTenantOfAComponentIsSteadyOnlyIfItIsItsOwnOrThatOfTheProviderBlock(t *testing.T) {
	t.Parallel()
	const null, blue, unknown = "\xa6tenant\xc0", "\xa6tenant\xa4blue", "\xa6tenant\xd4\x00\x00"
	long := strings.Repeat("t", 40)
	for name, c := range map[string]struct {
		config, prior string
		provider      types.String
		steady        bool
	}{
		"its own":                    {blue, blue, types.StringValue("red"), true},
		"that of the provider block": {null, blue, types.StringValue("blue"), true},
		"another one":                {null, blue, types.StringValue("red"), false},
		"one that begins alike":      {null, blue, types.StringValue("blu"), false},
		"none, as before":            {null, null, types.StringNull(), true},
		"none any more":              {null, blue, types.StringNull(), false},
		"one for the first time":     {null, null, types.StringValue("blue"), false},
		"one that is not known":      {null, blue, types.StringUnknown(), false},
		"a long one":                 {null, "\xa6tenant\xd9\x28" + long, types.StringValue(long), true},
		"a text that looks like it":  {null + null, blue, types.StringValue("blue"), false},
		"its own, not known":         {unknown, blue, types.StringValue("blue"), true},
		"nothing to look at":         {"", blue, types.StringValue("blue"), false},
	} {
		config, prior := &tfprotov6.DynamicValue{MsgPack: []byte(c.config)}, &tfprotov6.DynamicValue{MsgPack: []byte(c.prior)}
		if got := steadyTenant(config, prior, &c.provider); got != c.steady {
			t.Errorf("%s: it is steady: %t", name, got)
		}
	}
}
