package bos_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestNodesOfAnApplicationAreReadAsTheyWereWritten(t *testing.T) {
	nodes := bos.StagedNodes{"a,b": {Outcome: bos.StagedIgnored}, "x[1-2]": {Outcome: bos.StagedFailed, Session: "s"}, "odd name": {Outcome: bos.StagedIgnored}}
	for i := range bos.MaxExpand + 2 {
		nodes[fmt.Sprintf("x%dc0s0b0n0", i)] = bos.StagedNode{Outcome: bos.StagedSucceeded, Session: "s"}
	}
	content, err := json.Marshal(nodes)
	if err != nil {
		t.Fatal(err)
	}
	var back bos.StagedNodes
	if err := json.Unmarshal(content, &back); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(nodes, back) {
		t.Errorf("%d nodes came back as %d others", len(nodes), len(back))
	}
	if len(content) > 1000 {
		t.Errorf("it takes %d bytes: %s", len(content), content[:1000])
	}
	if bad := json.Unmarshal([]byte(`[{"outcome":"failed","nodes":"x[1-"}]`), &back); bad == nil || !strings.Contains(bad.Error(), "staged state") {
		t.Error(bad)
	}
}
