package emulator

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
)

// TestAnotherProcessIsToldWhatTheRoomKnowsOfItsNodes: which resets changed something, and
// whether a node has booted.
func TestAnotherProcessIsToldWhatTheRoomKnowsOfItsNodes(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2}})
	now := time.Now()
	for _, kind := range []string{machineroom.ResetOn, machineroom.ResetOn} {
		s.Room().Reset(second, kind, now) // the other one finds a node that changes its power
	}
	var told []services.NodeTold
	if res := ask(t, http.MethodGet, s.Endpoints().S3+services.NodesPath, nil, &told); res.StatusCode != http.StatusOK {
		t.Fatalf("answered %s", res.Status)
	}
	want := []services.NodeTold{{ID: first, Resets: []services.ResetTold{}}, {ID: second, Resets: []services.ResetTold{{Type: machineroom.ResetOn, Time: now.Round(0)}}}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}
