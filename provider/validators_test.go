package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestALineThatAKernelWouldCutIsRefusedAtPlanWhereItIsTheWholeLine(t *testing.T) {
	for text, says := range map[string]string{
		strings.Repeat("s", 2000): "2000 are kernel parameters", "bos_boot_proof=telnet": "telnet", "quiet": "", "a ; b": "",
	} {
		var res validator.StringResponse
		bootLine{}.ValidateString(t.Context(), validator.StringRequest{Path: path.Root("kernel_parameters"), ConfigValue: types.StringValue(text)}, &res)
		switch {
		case says == "" && res.Diagnostics.HasError():
			t.Errorf("%.40q: %v", text, res.Diagnostics)
		case says != "" && (res.Diagnostics.ErrorsCount() != 1 || !strings.Contains(res.Diagnostics[0].Detail(), says)):
			t.Errorf("%.40q: %v, without %q", text, res.Diagnostics, says)
		}
	}
	for _, state := range []map[string]schema.Attribute{stateAttributes(), stagedAttributes()} {
		line := state["boot_artifacts"].(schema.SingleNestedAttribute).Attributes["kernel_parameters"].(schema.StringAttribute)
		if !slices.Contains(line.Validators, validator.String(bootLine{})) {
			t.Error("a component's parameters are not held to it")
		}
	}
}

// What is wrong is told, and a way out that is one: a heredoc is no cause of a word at
// which iPXE ends a command.
func TestParametersThatNoBootScriptCanCarryAreRefusedWithTheirOwnWayOut(t *testing.T) {
	t.Parallel()
	for text, heredoc := range map[string]bool{"quiet\n": true, "a\nb": true, "a\tb": false, "a ; b": false, "a || b": false, "a # b": false} {
		var res validator.StringResponse
		oneLine{}.ValidateString(t.Context(), validator.StringRequest{Path: path.Root("kernel_parameters"), ConfigValue: types.StringValue(text)}, &res)
		if res.Diagnostics.ErrorsCount() != 1 {
			t.Errorf("%q: %v", text, res.Diagnostics)
			continue
		}
		if said := res.Diagnostics[0].Detail(); strings.Contains(said, "heredoc") != heredoc || !strings.Contains(said, "leave") {
			t.Errorf("%q: %s", text, said)
		}
	}
	var res validator.StringResponse
	oneLine{}.ValidateString(t.Context(), validator.StringRequest{ConfigValue: types.StringValue("quiet ds=nocloud-net;s=http://10.1.0.1/")}, &res)
	if res.Diagnostics.HasError() {
		t.Errorf("words of a kernel: %v", res.Diagnostics)
	}
}
