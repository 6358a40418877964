package doctor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/doctor"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// unseen are faults that nobody sees who touches nothing, or that do no boot any harm.
var unseen = []fault.Kind{
	fault.Drop, fault.Refuse, fault.NotReady, fault.Break, fault.Cut, fault.SlowReset, fault.Stale, fault.Boot, fault.WrongImage, fault.NoReport, fault.Config,
	fault.Slow, fault.Restart, fault.Lockout, fault.SessionsFull, fault.NoSessions, fault.Placeless, fault.Closes, fault.Systems, fault.Slash,
	fault.ByMAC, fault.Capitals, fault.NoInterfaces, fault.Unreserved,
}

// settingOf is what a service is called in findings.
var settingOf = map[string]string{
	fault.HSM: "inventory.hsm", fault.BSS: "boot_parameters.bss", fault.PCS: "power.pcs", fault.CFS: "configuration.cfs", fault.IMS: "images.ims",
	fault.TAPMS: "tenants.tapms", fault.S3: "artifacts.s3", fault.BMCs: "bmc",
}

// inventories are what an error is told of where the inventory of all nodes is odd in
// a form, empty for none.
var inventories = map[string]string{
	fault.FormNoPath: "", fault.FormOdd: "",
	fault.FormInvented: "bmc", fault.FormBadAddress: "bmc", fault.FormOtherUUID: "bmc",
	fault.FormMissing: "power.redfish", fault.FormNoAddress: "power.redfish", fault.FormDisabled: "power.redfish",
	fault.FormEmpty: "inventory.hsm", fault.FormTwice: "inventory.hsm", fault.FormMistyped: "inventory.hsm",
	fault.FormTwoBMCs: "power.redfish",
}

// shownBy is what an error is told of, if each node or BMC or a service has a fault;
// empty if there is none.
func shownBy(r fault.Rule, power string) string {
	switch form := r.Form; {
	case r.Fault == fault.Inventory:
		return inventories[form]
	case slices.Contains(unseen, r.Fault):
		return ""
	case r.Fault == fault.Lost && r.Service == fault.S3: // which is asked by HEAD
		return "image"
	case r.Fault == fault.Lost && r.Service != fault.PCS:
		return ""
	case r.Fault == fault.TLS && (form == fault.FormP384 || form == fault.FormP521):
		return ""
	case r.Fault == fault.Forgets && form == fault.FormNodes && r.Service != fault.BSS:
		return settingOf[r.Service]
	case r.Fault == fault.Forgets && form == fault.FormEndpoints && r.Service == fault.HSM && power == emulator.PowerRedfish:
		return "power.redfish"
	case r.Fault == fault.Forgets:
		return ""
	case r.Service != "":
		return settingOf[r.Service]
	case r.Fault == fault.Locked, r.Fault == fault.Reserved:
		return "inventory.hsm"
	default:
		return "bmc"
	}
}

// everyFault are the rules by which each that can have a fault has it, in each of its
// forms. What PCS and HSM do to the way through PCS is of that way.
func everyFault(power string) (rules []fault.Rule) {
	for _, e := range fault.Vocabulary {
		for _, form := range slices.Concat(e.Forms, []string{""})[:max(1, len(e.Forms))] {
			if r := (fault.Rule{Fault: e.Kind, Form: form}); e.Of&(fault.BMC|fault.Node) != 0 && power == emulator.PowerRedfish {
				rules = append(rules, r)
			}
			for _, service := range fault.Services {
				of := service == fault.PCS || service == fault.HSM
				if r := (fault.Rule{Fault: e.Kind, Form: form, Service: service}); r.Validate() == nil && (power == emulator.PowerPCS && of || power == emulator.PowerRedfish && service != fault.PCS) {
					rules = append(rules, r)
				}
			}
		}
	}
	return rules
}

func TestNoFaultThatStopsABootIsCalledInOrderAndNothingIsTouched(t *testing.T) {
	for _, power := range []string{emulator.PowerRedfish, emulator.PowerPCS} {
		for _, r := range everyFault(power) {
			t.Run(fmt.Sprintf("%s %s %s %s", power, r.Fault, r.Form, r.Service), func(t *testing.T) {
				t.Parallel()
				server, settings := room(t, emulator.ServerConfig{Power: power, Config: machineroom.Config{
					Nodes: 2, NodesPerBMC: 1, Profiles: []machineroom.ProfileOf{{Profile: "idrac"}},
				}})
				o := doctor.Options{Config: settings, Images: []string{image}, Timeout: time.Minute}
				if r.Fault == fault.Hang || r.Fault == fault.Dead || r.Fault == fault.Outage && r.Service == fault.BMCs {
					o.Timeout = 3 * time.Second
				}
				if err := server.Room().AddFaults(time.Now(), r); err != nil {
					t.Fatal(err)
				}
				server.Requests(true)
				report := checked(t, o)
				what := shownBy(r, power)
				switch all := found(report, what, doctor.LevelError); {
				case what == "" && len(all) > 0:
					t.Errorf("nothing is wrong that can be seen, and it says %v", all)
				case what != "" && len(all) == 0:
					t.Errorf("no error is told of %s: %+v", what, report.Findings)
				}
				for route, n := range server.Requests(false) {
					reads := route == "" || strings.HasPrefix(route, "GET ") || strings.HasPrefix(route, "BMC GET") || strings.HasSuffix(route, "/power-status") || route == "/boot-images/"
					if !reads && !strings.HasSuffix(route, "/locks/status") {
						t.Errorf("it sent %s %d times", route, n)
					}
				}
				for _, n := range server.Room().Inventory().Nodes {
					if all := server.Room().Resets(n.ID); len(all) > 0 {
						t.Errorf("%s was reset: %+v", n.ID, all)
					}
				}
			})
		}
	}
}

// TestAnOddEntryOfTheInventoryIsNamedBesideNodesThatAreInOrder: the log of a service
// names it, and the check has none.
func TestAnOddEntryOfTheInventoryIsNamedBesideNodesThatAreInOrder(t *testing.T) {
	for form, c := range map[string]struct {
		what, says, counts string
	}{
		fault.FormTwice:    {"inventory.hsm", "has several entries that differ", "sessions leave out: 1 with entries that"},
		fault.FormMistyped: {"inventory.hsm", "its Enabled is a JSON string", "sessions leave out: 1 with entries that"},
		fault.FormTwoBMCs:  {"bmc", "nobody knows which is the right one", "4 nodes"},
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			server, settings := room(t, emulator.ServerConfig{Power: emulator.PowerRedfish})
			node := server.Room().Inventory().Nodes[1].ID
			if err := server.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Inventory, Form: form, Nodes: node}); err != nil {
				t.Fatal(err)
			}
			report := checked(t, doctor.Options{Config: settings, Timeout: time.Minute})
			want(t, report, doctor.LevelOK, "inventory.hsm", c.counts)
			named := strings.Contains(fmt.Sprint(found(report, c.what, doctor.LevelWarning)), node)
			if want(t, report, doctor.LevelWarning, c.what, c.says); !named {
				t.Errorf("%s is not named: %+v", node, report.Findings)
			}
		})
	}
}
