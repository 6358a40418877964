package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxDump bounds a dump file, in bytes.
const maxDump = 256 << 20

// Dump is a real site's HSM as its exports describe it.
type Dump struct {
	Components []struct {
		ID      string
		Type    string
		State   string
		Role    string
		SubRole string
		Arch    string
		Enabled *bool
	}
	Endpoints []struct {
		ID                string
		Type              string
		OdataID           string
		RedfishEndpointID string
		RedfishSystemInfo struct {
			Actions map[string]struct {
				Types []string `json:"ResetType@Redfish.AllowableValues"`
			}
		}
	}
	Memberships []struct {
		ID     string   `json:"id"`
		Groups []string `json:"groupLabels"`
	}
}

// LoadDump reads hsm_state_components.json, hsm_inventory_componentEndpoints.json
// and, if it is there, hsm_memberships.json from a folder.
func LoadDump(dir string) (*Dump, error) {
	var components struct{ Components json.RawMessage }
	var endpoints struct{ ComponentEndpoints json.RawMessage }
	var d Dump
	if err := readJSON(filepath.Join(dir, "hsm_state_components.json"), &components); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(dir, "hsm_inventory_componentEndpoints.json"), &endpoints); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(components.Components, &d.Components); err != nil {
		return nil, fmt.Errorf("%s: hsm_state_components.json: %w", dir, err)
	}
	if err := json.Unmarshal(endpoints.ComponentEndpoints, &d.Endpoints); err != nil {
		return nil, fmt.Errorf("%s: hsm_inventory_componentEndpoints.json: %w", dir, err)
	}
	memberships := filepath.Join(dir, "hsm_memberships.json")
	if _, err := os.Stat(memberships); err == nil {
		if err := readJSON(memberships, &d.Memberships); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

func readJSON(path string, into any) error {
	f, err := os.Open(path) //nolint:gosec // the administrator names the folder
	if err != nil {
		return fmt.Errorf("read the HSM dump: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if err := json.NewDecoder(io.LimitReader(f, maxDump)).Decode(into); err != nil {
		return fmt.Errorf("read the HSM dump: %s: %w", path, err)
	}
	return nil
}

// load takes the nodes of a dump. Those that were up start on.
func (r *Room) load(d *Dump) {
	endpoints := make(map[string]Endpoint, len(d.Endpoints))
	for _, e := range d.Endpoints {
		if e.Type == "Node" {
			endpoints[e.ID] = Endpoint{
				BMC: e.RedfishEndpointID, System: e.OdataID,
				ResetTypes: e.RedfishSystemInfo.Actions["#ComputerSystem.Reset"].Types,
			}
		}
	}
	for _, c := range d.Components {
		if c.Type != "Node" {
			continue
		}
		power := bos.PowerStateOff
		if c.State == "Ready" || c.State == "On" {
			power = bos.PowerStateOn
		}
		id := bos.CanonicalXname(c.ID)
		r.add(bos.Node{ID: id, Role: c.Role, SubRole: c.SubRole, Arch: c.Arch, Enabled: c.Enabled == nil || *c.Enabled}, endpoints[c.ID], power)
	}
	for _, m := range d.Memberships {
		for _, group := range m.Groups {
			r.groups[group] = append(r.groups[group], bos.CanonicalXname(m.ID))
		}
	}
}
