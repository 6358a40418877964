package provider

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestTheHeadlineOfAPlanSaysWhatHappensToTheNodes(t *testing.T) {
	effect := func(e bos.NodeEffect, count int) []bos.PreviewEffect {
		return []bos.PreviewEffect{{Effect: e, Count: count}, {Effect: bos.NodeBoots, Count: 1}}
	}
	for want, p := range map[string]bos.Preview{
		"This will boot 4 nodes: x1c0s[0-3]b0n0":                   {Operation: bos.OperationBoot, Effects: effect(bos.NodeBoots, 3)},
		"This will boot 4 nodes (3 already there): x1c0s[0-3]b0n0": {Operation: bos.OperationBoot, Effects: effect(bos.NodeAlreadyThere, 3)},
		"This will boot 4 nodes (3 reboot): x1c0s[0-3]b0n0":        {Operation: bos.OperationBoot, Effects: effect(bos.NodeReboots, 3)},
		"This will boot 4 nodes (up to 3 reboot): x1c0s[0-3]b0n0":  {Operation: bos.OperationBoot, Effects: effect(bos.NodeMayReboot, 3)},
		"This will shut down 4 nodes: x1c0s[0-3]b0n0":              {Operation: bos.OperationShutdown, Effects: effect(bos.NodePowersOff, 3)},
		"This will fail and touch none of 4 nodes: x1c0s[0-3]b0n0": {Operation: bos.OperationReboot, Effects: effect(bos.NodeFails, 3)},
	} {
		p.Count, p.Nodes = 4, "x1c0s[0-3]b0n0"
		if got := previewSummary(p, false); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNodesThatAreLeftOutAreCountedWhereNamingThemWouldFillTheScreen(t *testing.T) {
	if got := unlessLong(bos.PreviewSkip{Count: 2, Nodes: "x1c0s[0-1]b0n0"}); got != "x1c0s[0-1]b0n0" {
		t.Error(got)
	}
	if got := unlessLong(bos.PreviewSkip{Count: 500, Nodes: strings.Repeat("x1c0s0b0n0,", 500)}); got != "500 nodes, see skipped" {
		t.Error(got)
	}
}
