package emulator

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

func TestTooFewFilesAreNamedBeforeConnectionsFail(t *testing.T) {
	limit, ok := openFiles()
	if !ok {
		t.Skip("the system does not say how many files may be open")
	}
	for _, c := range []struct {
		nodes       int
		withService bool
		warns       bool
	}{{1, true, false}, {int(limit) - otherFiles, false, false}, {int(limit), false, true}, {int(limit)/2 + 1, true, true}} {
		if c.nodes > machineroom.MaxNodes || c.nodes < 1 {
			t.Skipf("the limit of %d files is none for a room of %d nodes", limit, c.nodes)
		}
		var log bytes.Buffer
		startServer(t, ServerConfig{
			Config: machineroom.Config{Nodes: c.nodes, NodesPerBMC: 1}, WithService: c.withService, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if got := strings.Contains(log.String(), "raise the limit with: ulimit -n "); got != c.warns {
			t.Errorf("%d BMCs, with the service %t: %s", c.nodes, c.withService, log.String())
		}
	}
}
