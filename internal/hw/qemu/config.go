package qemu

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// bucket is the one whose images are booted.
const bucket = "boot-images"

// WriteConfig writes what serve needs to boot the room's machines: its configuration
// to path, and the inventory beside the state. api is where serve shall listen,
// scripts where it shall hand out boot scripts.
func (s *Server) WriteConfig(path, api, scripts string) error {
	_, port, err := net.SplitHostPort(s.store)
	if err != nil {
		return err
	}
	inventory := filepath.Join(s.config.StateDir, "nodes.yaml")
	text := fmt.Sprintf(`# virtual machines; their consoles are %s
listen: %q
database: %q
inventory: { file: %q }
power: { redfish: { ca_file: %q } }
# %s is this host, as the machines see it.
boot_parameters: { builtin: { listen: %q, artifacts_url: "http://%[6]s:%[8]s" } }
artifacts: { s3: { endpoint: %[9]q, buckets: [%[10]s] } }
# All machines come from one address, so each proves which it is.
report: { node_tokens: required }
`, s.config.console("XNAME"), api, filepath.Join(s.config.StateDir, "bos.db"), inventory, s.caFile(), Host, scripts, port, s.Store(), bucket)
	if err := os.WriteFile(inventory, []byte(s.inventory()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// inventory is a file of the machines for inventory.file.
func (s *Server) inventory() string {
	var text strings.Builder
	fmt.Fprintf(&text, "credentials: { bmc: { user: %s, password_file: %q } }\nnodes:\n", user, s.passwordFile())
	for i, n := range s.nodes {
		fmt.Fprintf(&text, "  - xnames: %s\n    role: Compute\n    arch: X86\n    nids: \"%d\"\n    macs: [%q]\n    bmc: { address: %q, system: %s, credentials: bmc }\n",
			n.ID, i+1, n.MAC, n.BMC, systemPath)
	}
	return text.String()
}
