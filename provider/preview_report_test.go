package provider

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestTheHeadlineOfAPlanSaysWhatHappensToTheNodes(t *testing.T) {
	t.Parallel()
	effect := func(e bos.NodeEffect, count int) []bos.PreviewEffect {
		return []bos.PreviewEffect{{Effect: e, Count: count}, {Effect: bos.NodeBoots, Count: 1}}
	}
	for want, p := range map[string]bos.Preview{
		"This will boot 4 nodes: x1c0s[0-3]b0n0":                   {Operation: bos.OperationBoot, Effects: effect(bos.NodeBoots, 3)},
		"This will boot 4 nodes (3 already there): x1c0s[0-3]b0n0": {Operation: bos.OperationBoot, Effects: effect(bos.NodeAlreadyThere, 3)},
		"This will boot 4 nodes (3 reboot): x1c0s[0-3]b0n0":        {Operation: bos.OperationBoot, Effects: effect(bos.NodeReboots, 3)},
		"This will boot 4 nodes (up to 3 reboot): x1c0s[0-3]b0n0":  {Operation: bos.OperationBoot, Effects: effect(bos.NodeMayReboot, 3)},
		"This will shut down 4 nodes: x1c0s[0-3]b0n0":              {Operation: bos.OperationShutdown, Effects: effect(bos.NodePowersOff, 3)},
		"This will configure 4 nodes: x1c0s[0-3]b0n0":              {Operation: bos.OperationConfigure, Effects: effect(bos.NodeConfigures, 4)},
		"This will fail and touch none of 4 nodes: x1c0s[0-3]b0n0": {Operation: bos.OperationReboot, Effects: effect(bos.NodeFails, 3)},
	} {
		p.Count, p.Nodes = 4, "x1c0s[0-3]b0n0"
		if got := previewSummary(p, false); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNodesThatAreLeftOutAreCountedWhereNamingThemWouldFillTheScreen(t *testing.T) {
	t.Parallel()
	if got := unlessLong(bos.PreviewSkip{Count: 2, Nodes: "x1c0s[0-1]b0n0"}); got != "x1c0s[0-1]b0n0" {
		t.Error(got)
	}
	if got := unlessLong(bos.PreviewSkip{Count: 500, Nodes: strings.Repeat("x1c0s0b0n0,", 500)}); got != "500 nodes, see skipped" {
		t.Error(got)
	}
}

func TestWhatAwaitsTheNodesIsASentenceAboutThem(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		operation bos.Operation
		effect    bos.PreviewEffect
	}{
		"\n4 nodes are on and will reboot":              {bos.OperationReboot, bos.PreviewEffect{Effect: bos.NodeReboots, Reason: "it is on and a reboot is asked for", Count: 4}},
		"\n1 node is off and will boot: x1c0s0b0n0":     {bos.OperationReboot, bos.PreviewEffect{Effect: bos.NodeBoots, Reason: "it is off", Count: 1}},
		"\n1 node is off and stays off: x1c0s0b0n0":     {bos.OperationShutdown, bos.PreviewEffect{Effect: bos.NodeStaysOff, Reason: "it is off", Count: 1}},
		"\n4 nodes will reboot (it runs another image)": {bos.OperationBoot, bos.PreviewEffect{Effect: bos.NodeReboots, Reason: "it runs another image", Count: 4}},
		"\n4 nodes will power off (it is on)":           {bos.OperationShutdown, bos.PreviewEffect{Effect: bos.NodePowersOff, Reason: "it is on", Count: 4}},
		"\n4 nodes will be configured (they run)":       {bos.OperationConfigure, bos.PreviewEffect{Effect: bos.NodeConfigures, Reason: "they run", Count: 4}},
		"\n4 nodes will do something new (so it is)":    {bos.OperationBoot, bos.PreviewEffect{Effect: "will_do_something_new", Reason: "so it is", Count: 4}},
	} {
		var b strings.Builder
		c.effect.Nodes = "x1c0s0b0n0"
		writeEffects(&b, bos.Preview{Operation: c.operation, Count: 4, Effects: []bos.PreviewEffect{c.effect}})
		if b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
	}
	if len(bos.NodeEffects()) != 10 {
		t.Error("an effect is new: say what awaits its nodes")
	}
}
