package machineroom

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// Profile is what tells the BMCs of one make from another's.
type Profile struct {
	Manufacturer, Model string
	// System is the last part of a ComputerSystem's path, with %d for the
	// number of the node on its BMC, from First on. Where only the first
	// node of a BMC goes without a number, it is Lone.
	System string
	First  int
	Lone   string
	// ResetTypes are those that work, Listed those that the BMC lists, and
	// ActionInfo says that it lists them in a resource of their own. With
	// Unlisted it lists none.
	ResetTypes, Listed   []string
	ActionInfo, Unlisted bool
	// Unimplemented is the answer to a type that is listed and does not work.
	Unimplemented int
	// Accepted is the answer to a reset: 200 with the system, 202 or 204.
	Accepted int
	// Already is the answer to a reset that leads where the node is; 0 is
	// that of one that does something.
	Already int
	// Plain says that PowerState is On or Off, also while it changes.
	Plain bool
	// IgnoreFor is for how long after a reset others are accepted and
	// ignored.
	IgnoreFor time.Duration
	// Sessions is how many may be open at a time.
	Sessions int
	// EventID is the id of the message that power has changed, with %s for
	// On or Off; empty is that of the specification.
	EventID string
	// Placeless says that the answer to a subscription lacks the Location.
	Placeless bool
}

// The names of profiles.
const (
	ProfileCray       = "cray-nc"
	ProfileILO        = "ilo"
	ProfileIDRAC      = "idrac"
	ProfileOpenBMC    = "openbmc"
	ProfileGigabyte   = "gigabyte"
	ProfileSupermicro = "supermicro"
)

// systemsPath is where BMCs have their systems.
const systemsPath = "/redfish/v1/Systems"

// maxProfiles bounds a file of profiles, in bytes.
const maxProfiles = 1 << 20

// The sessions that BMCs have: few as most, or more.
const (
	fewSessions  = 8
	manySessions = 64
)

// profiles are how the makes behave that clients meet.
var profiles = map[string]Profile{
	ProfileCray: {
		Manufacturer: "HPE", Model: "HPE CRAY EX235a", System: "Node%d",
		ResetTypes: []string{ResetOn, ResetForceOff, ResetOff}, ActionInfo: true, Accepted: http.StatusOK, Sessions: manySessions,
		EventID: "CrayAlerts.1.0.ResourcePowerStateChanged", Placeless: true,
	},
	ProfileILO: {
		Manufacturer: "HPE", Model: "ProLiant DL325 Gen10 Plus", System: "%d", First: 1,
		ResetTypes: []string{ResetOn, ResetForceOff, ResetGraceful, ResetForceRestart, resetNMI, resetButton, ResetGracefulRestart},
		Accepted:   http.StatusOK, Already: http.StatusBadRequest, Plain: true, Sessions: manySessions, EventID: "iLOEvents.1.0.ServerPowered%s",
	},
	ProfileIDRAC: {
		Manufacturer: "Dell Inc.", Model: "PowerEdge R6515", System: "System.Embedded.%d", First: 1,
		ResetTypes: []string{ResetOn, ResetForceOff, ResetForceRestart, ResetGracefulRestart, ResetGraceful, resetButton, resetNMI, ResetPowerCycle},
		Accepted:   http.StatusNoContent, Already: http.StatusConflict, Plain: true, Sessions: fewSessions,
	},
	ProfileOpenBMC: {
		Manufacturer: "OpenBMC", Model: "reference", System: "system%d", Lone: "system",
		ResetTypes: []string{ResetOn, ResetForceOff, resetForceOn, ResetForceRestart, ResetGracefulRestart, ResetGraceful, ResetPowerCycle, resetNMI},
		ActionInfo: true, Accepted: http.StatusNoContent, Sessions: manySessions,
	},
	ProfileGigabyte: {
		Manufacturer: "GIGABYTE", Model: "R272-Z30-00", System: "Self%d", Lone: "Self",
		ResetTypes: []string{ResetOn, ResetForceOff, ResetGraceful, ResetForceRestart}, Unlisted: true,
		Accepted: http.StatusAccepted, Plain: true, IgnoreFor: time.Minute, Sessions: manySessions, EventID: "EventLog.1.0.PowerStatusChange",
	},
	ProfileSupermicro: {
		Manufacturer: "Supermicro", Model: "AS-2014TP-HTR", System: "%d", First: 1,
		ResetTypes:    []string{ResetOn, ResetForceOff, ResetGraceful, ResetForceRestart},
		Listed:        []string{ResetOn, ResetForceOff, ResetGraceful + ResetGracefulRestart, ResetForceRestart, resetNMI, resetForceOn},
		Unimplemented: http.StatusNotImplemented, Accepted: http.StatusOK, Plain: true, Sessions: 16,
	},
}

// ProfileNames are the profiles there are, sorted.
func ProfileNames() []string { return slices.Sorted(maps.Keys(profiles)) }

// ProfileOf gives a profile to nodes.
type ProfileOf struct {
	// Nodes are xnames of nodes or BMCs, which may be folded; all if empty.
	// Of several that name a BMC, the last holds.
	Nodes   string `yaml:"nodes"`
	Profile string `yaml:"profile"`
	// IgnoreFor is that of the profile if nil.
	IgnoreFor *time.Duration `yaml:"ignore_for"`
}

// LoadProfiles reads what --profile takes: the name of a profile for all nodes,
// or a file with a YAML list of nodes and profiles.
func LoadProfiles(nameOrFile string) ([]ProfileOf, error) {
	if _, ok := profiles[nameOrFile]; ok {
		return []ProfileOf{{Profile: nameOrFile}}, nil
	}
	f, err := os.Open(nameOrFile) //nolint:gosec // whoever runs the emulator names the file
	if err != nil {
		return nil, fmt.Errorf("profile %q is none of %s and no file: %w", nameOrFile, strings.Join(ProfileNames(), ", "), err)
	}
	defer f.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(f, maxProfiles))
	if err != nil {
		return nil, fmt.Errorf("read the profiles: %w", err)
	}
	var list []ProfileOf
	if err := yamlfile.Text(nameOrFile, string(body)).Decode(&list); err != nil {
		return nil, fmt.Errorf("profiles %w", err)
	}
	return list, nil
}

// setProfiles gives BMCs their profiles.
func (r *Room) setProfiles(list []ProfileOf) error {
	for i, of := range list {
		p, ok := profiles[of.Profile]
		if !ok {
			return fmt.Errorf("profile %d is named %q; use one of %s", i+1, of.Profile, strings.Join(ProfileNames(), ", "))
		}
		if of.IgnoreFor != nil {
			p.IgnoreFor = *of.IgnoreFor
		}
		names, err := bos.Expand(of.Nodes, MaxNodes)
		if err != nil {
			return fmt.Errorf("profile %d: %w", i+1, err)
		}
		if of.Nodes == "" {
			names = slices.Collect(maps.Keys(r.bmcs))
		}
		for _, name := range names {
			nodes := r.bmcs[r.bmcOf(name)]
			if nodes == nil {
				return fmt.Errorf("profile %d: nodes name %q, which is no node with a BMC and no BMC of this room; use an xname such as %s", i+1, name, r.example())
			}
			for number, n := range nodes {
				n.take(&p, number)
			}
		}
	}
	return nil
}

// take makes a node's endpoint that of a profile.
func (n *node) take(p *Profile, number int) {
	system := p.Lone
	if number > 0 || system == "" {
		system = fmt.Sprintf(p.System, p.First+number)
	}
	e := Endpoint{BMC: n.endpoint.BMC, System: systemsPath + "/" + system, ResetTypes: p.ResetTypes, Listed: p.ResetTypes}
	e.Target = e.System + ResetPath
	if p.ActionInfo {
		e.ActionInfo = e.System + "/ResetActionInfo"
	}
	switch {
	case p.Unlisted:
		e.Listed = nil
	case p.Listed != nil:
		e.Listed = p.Listed
	}
	n.endpoint, n.profile, n.operations = e, p, transitionsOf(e.ResetTypes)
}

// alike is the profile of what was invented or comes from a dump: nothing in it
// but what the endpoint says.
var alike = Profile{Sessions: fewSessions}
