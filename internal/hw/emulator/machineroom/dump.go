package machineroom

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxDump bounds a dump file, in bytes.
const maxDump = 128 << 20

// The files of a dump: what SMD answers to GET /State/Components,
// /Inventory/ComponentEndpoints and /memberships. The last may be missing.
const (
	dumpComponents  = "hsm_state_components.json"
	dumpEndpoints   = "hsm_inventory_componentEndpoints.json"
	dumpMemberships = "hsm_memberships.json"
)

// Dump is a real site's HSM as its exports describe it.
type Dump struct {
	Nodes []DumpNode
	// Groups and Partitions map a name to the xnames of its members.
	Groups     map[string][]string
	Partitions map[string][]string
}

// DumpNode is one node of a site.
type DumpNode struct {
	bos.Node
	NID   int
	Class string
	// On says that the node had power.
	On       bool
	Endpoint Endpoint
}

type dumpComponent struct {
	ID, Type, State, Role, SubRole, Arch, Class string
	NID                                         int
	Enabled                                     *bool
}

type dumpEndpoint struct {
	ID, Type, OdataID, RedfishEndpointID string
	RedfishSystemInfo                    struct {
		Actions map[string]struct {
			Types  []string `json:"ResetType@Redfish.AllowableValues"`
			Info   string   `json:"@Redfish.ActionInfo"`
			Target string   `json:"target"`
		}
	}
}

type dumpMember struct {
	ID        string   `json:"id"`
	Groups    []string `json:"groupLabels"`
	Partition string   `json:"partitionName"`
}

// LoadDump reads the dump files of a folder. A node without an endpoint is
// kept: HSM knows it and no BMC answers for it.
func LoadDump(dir string) (*Dump, error) {
	var components struct{ Components []dumpComponent }
	var endpoints struct{ ComponentEndpoints []dumpEndpoint }
	var members []dumpMember
	if err := readJSON(filepath.Join(dir, dumpComponents), &components); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(dir, dumpEndpoints), &endpoints); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(dir, dumpMemberships), &members); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	d := &Dump{Groups: make(map[string][]string), Partitions: make(map[string][]string)}
	byID := make(map[string]Endpoint, len(endpoints.ComponentEndpoints))
	for _, e := range endpoints.ComponentEndpoints {
		if e.Type == "Node" {
			byID[bos.CanonicalXname(e.ID)] = e.endpoint()
		}
	}
	nodes := make(map[string]bool)
	for _, c := range components.Components {
		id := bos.CanonicalXname(c.ID)
		if c.Type != "Node" || nodes[id] {
			continue
		}
		nodes[id] = true
		d.Nodes = append(d.Nodes, DumpNode{
			Node: bos.Node{ID: id, Role: c.Role, SubRole: c.SubRole, Arch: c.Arch, Enabled: c.Enabled == nil || *c.Enabled},
			NID:  c.NID, Class: c.Class, On: c.State == "Ready" || c.State == "On", Endpoint: byID[id],
		})
	}
	if len(d.Nodes) == 0 {
		return nil, fmt.Errorf("read the HSM dump: %s lists no component of type Node; save GET /State/Components there", filepath.Join(dir, dumpComponents))
	}
	for _, m := range members {
		if id := bos.CanonicalXname(m.ID); nodes[id] {
			d.join(id, m)
		}
	}
	return d, nil
}

func (d *Dump) join(id string, m dumpMember) {
	for _, group := range m.Groups {
		d.Groups[group] = append(d.Groups[group], id)
	}
	if m.Partition != "" {
		d.Partitions[m.Partition] = append(d.Partitions[m.Partition], id)
	}
}

// endpoint is the zero Endpoint where the dump does not say enough to reach it.
func (e dumpEndpoint) endpoint() Endpoint {
	if e.OdataID == "" || e.RedfishEndpointID == "" {
		return Endpoint{}
	}
	reset := e.RedfishSystemInfo.Actions["#ComputerSystem.Reset"]
	if reset.Target == "" {
		reset.Target = e.OdataID + ResetPath
	}
	return Endpoint{
		BMC: bos.CanonicalXname(e.RedfishEndpointID), System: e.OdataID,
		Target: reset.Target, ActionInfo: reset.Info, ResetTypes: reset.Types,
	}
}

func readJSON(path string, into any) error {
	f, err := os.Open(path) //nolint:gosec // the administrator names the folder
	if err != nil {
		return fmt.Errorf("read the HSM dump: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(f, maxDump+1))
	if err != nil {
		return fmt.Errorf("read the HSM dump: %w", err)
	}
	if len(body) > maxDump {
		return fmt.Errorf("read the HSM dump: %s is larger than %d bytes; is it the right file?", path, maxDump)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the HSM dump: %s is not what HSM answers: %w", path, err)
	}
	return nil
}

// load takes the nodes of a dump.
func (r *Room) load(d *Dump) {
	for _, n := range d.Nodes {
		r.add(n)
	}
	r.groups, r.partitions = cloneLists(d.Groups), cloneLists(d.Partitions)
}
