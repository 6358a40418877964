package redfish_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// TestTheBMCsOfVendors is one BMC of each family with the shape of its answers:
// where the system and its reset action are, and how it tells the reset types.
// The inventory knows of each only where the system is.
func TestTheBMCsOfVendors(t *testing.T) {
	const unsupported = "" // nothing is sent
	for _, v := range []struct {
		name, system string
		// action is the reset action, with the target in place of %s; info
		// is the ActionInfo it refers to, if it does.
		action, info string
		// refuses are types it answers with 400 although it lists them.
		refuses  string
		on       []string
		soft     string
		forceOff string
	}{
		{
			name: "Cray nC of an EX235a", system: "Node0",
			action:   `"@Redfish.ActionInfo":"/redfish/v1/Systems/Node0/ResetActionInfo","target":"%s"`,
			info:     `{"Id":"ResetActionInfo","Parameters":[{"Name":"ResetType","DataType":"String","Required":true,"AllowableValues":["On","ForceOff","Off"]}]}`,
			on:       []string{"On"},
			soft:     "Off",
			forceOff: "ForceOff",
		},
		{
			name: "HPE iLO", system: "1",
			action:   `"target":"%s","ResetType@Redfish.AllowableValues":["On","ForceOff","GracefulShutdown","ForceRestart","Nmi","PushPowerButton","GracefulRestart"]`,
			on:       []string{"On"},
			soft:     "GracefulShutdown",
			forceOff: "ForceOff",
		},
		{
			name: "Dell iDRAC", system: "System.Embedded.1",
			action:   `"target":"%s","ResetType@Redfish.AllowableValues":["On","ForceOff","ForceRestart","GracefulRestart","GracefulShutdown","PushPowerButton","Nmi","PowerCycle"]`,
			on:       []string{"On"},
			soft:     "GracefulShutdown",
			forceOff: "ForceOff",
		},
		{
			name: "OpenBMC", system: "system",
			action:   `"@Redfish.ActionInfo":"/redfish/v1/Systems/system/ResetActionInfo","target":"%s"`,
			info:     `{"Name":"Reset Action Info","Parameters":[{"AllowableValues":["On","ForceOff","ForceOn","ForceRestart","GracefulRestart","GracefulShutdown","PowerCycle","Nmi"],"DataType":"String","Name":"ResetType","Required":true}]}`,
			refuses:  "On",
			on:       []string{"On", "ForceOn"},
			soft:     "GracefulShutdown",
			forceOff: "ForceOff",
		},
		{
			name: "Gigabyte without lists", system: "Self",
			action:   `"target":"%s"`,
			on:       []string{"On"},
			soft:     "GracefulShutdown",
			forceOff: "ForceOff",
		},
		{
			name: "Supermicro with a joined entry", system: "1",
			action:   `"target":"%s","ResetType@Redfish.AllowableValues":["On","ForceOff","GracefulShutdownGracefulRestart","ForceRestart","Nmi","ForceOn"]`,
			on:       []string{"On"},
			soft:     "GracefulShutdown",
			forceOff: "ForceOff",
		},
		{
			name: "Lenovo XCC", system: "1",
			action:   `"target":"%s","title":"Reset","ResetType@Redfish.AllowableValues":["On","ForceOff","GracefulShutdown","GracefulRestart","ForceRestart","Nmi","ForceOn"]`,
			on:       []string{"On"},
			soft:     "GracefulShutdown",
			forceOff: "ForceOff",
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			system := "/redfish/v1/Systems/" + v.system
			target := system + "/Actions/ComputerSystem.Reset"
			b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, reset string) {
				switch r.Method + " " + r.URL.Path {
				case "GET " + system:
					_, _ = fmt.Fprintf(w, `{"@odata.id":%q,"PowerState":"Off","Actions":{"#ComputerSystem.Reset":{%s}}}`, system, fmt.Sprintf(v.action, target))
				case "GET " + system + "/ResetActionInfo":
					_, _ = io.WriteString(w, v.info)
				case "POST " + target:
					if reset == v.refuses {
						w.WriteHeader(http.StatusBadRequest)
					}
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			})
			client := connectTo(t, redfish.Endpoint{Address: b.address, System: system})
			wantReading(t, probe(t.Context(), t, client, node).results[node], bos.PowerStateOff, bos.SymptomNone, bos.CauseNone)

			var want []string
			for _, kind := range v.on {
				want = append(want, "POST "+target+" "+kind)
			}
			wantResult(t, apply(t.Context(), t, client, bos.PowerOn, node).results[node], bos.CallDone, bos.CauseNone)
			soft := apply(t.Context(), t, client, bos.PowerSoftOff, node).results[node]
			if v.soft == unsupported {
				wantResult(t, soft, bos.CallUnsupported, bos.CauseResetRefused, "GracefulShutdown")
			} else {
				wantResult(t, soft, bos.CallDone, bos.CauseNone)
				want = append(want, "POST "+target+" "+v.soft)
			}
			wantResult(t, apply(t.Context(), t, client, bos.PowerForceOff, node).results[node], bos.CallDone, bos.CauseNone)
			want = append(want, "POST "+target+" "+v.forceOff)
			if diff := cmp.Diff(want, b.posts()); diff != "" {
				t.Errorf("resets (-want +got):\n%s", diff)
			}
		})
	}
}
