// Package bmc is the Redfish face of an emulated room: it answers for every BMC.
package bmc

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

const (
	redfishRoot    = "/redfish/v1"
	redfishSystems = redfishRoot + "/Systems"
)

// Face answers for every BMC of a room.
type Face struct {
	config   Config
	room     *machineroom.Room
	accounts accounts
	sessions sessions
	events   subscriptions
	atOnce   wire.AtOnce
}

// Config is what a Face needs.
type Config struct {
	Room *machineroom.Room
	// At is the BMC at an address, host and port.
	At func(address string) string
	// Kick is called when a reset was taken.
	Kick func()
	// Courier takes events away.
	Courier *wire.Courier
	// Counts counts the requests.
	Counts *wire.Counts
}

// The user of every BMC and its first password. They guard nothing.
const (
	User     = "root"
	Password = "initial0"
)

// New is the face of the BMCs of a room.
func New(c Config) *Face { return &Face{config: c, room: c.Room} }

// MostAtOnce is how many requests a single BMC had to answer at once, since the
// start: that of the BMC with the most.
func (f *Face) MostAtOnce() int { return f.atOnce.Most() }

// shows tells whether a BMC has a fault that its answer shows.
func (f *Face) shows(k fault.Kind, bmc string, now time.Time) bool {
	_, shows := f.room.Shows(k, bmc, now)
	return shows
}

// ServeHTTP serves every BMC; which one is told by the address connected to.
func (f *Face) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		redfishError(w, http.StatusInternalServerError, "no TCP connection")
		return
	}
	f.config.Counts.Add("BMC " + r.Method)
	bmc := f.config.At(local.String())
	f.atOnce.Begin(bmc)
	defer f.atOnce.End(bmc)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxRequest))
	if err != nil {
		redfishError(w, http.StatusRequestEntityTooLarge, "Request too large")
		return
	}
	f.restart(bmc, time.Now())
	trouble := f.room.BMCTrouble(bmc, time.Now())
	wire.Stall(r, trouble)
	switch trouble.Fault {
	case fault.Busy:
		w.Header().Set("Retry-After", wire.Seconds(trouble.RetryAfter))
		redfishError(w, http.StatusServiceUnavailable, "Service temporarily unavailable")
		return
	case fault.Credentials:
		if _, _, given := r.BasicAuth(); given || r.Method == http.MethodPost && strings.TrimSuffix(r.URL.Path, "/") == redfishSessions {
			f.accepts(bmc, "", "", time.Now())
		}
		unauthorized(w, r.URL.Path)
		return
	case fault.Forbidden:
		forbidden(w, trouble.Form)
		return
	default: // it is answered
	}
	if f.odd(w, r, bmc) {
		return
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	if path == redfishRoot {
		if allow(w, r, http.MethodGet) {
			wire.Answer(w, http.StatusOK, serviceRoot(f.room.SystemsOf(bmc)))
		}
		return
	}
	if path == redfishSessions && r.Method == http.MethodPost {
		f.login(w, bmc, body)
		return
	}
	if !f.authorized(r, bmc) {
		unauthorized(w, path)
		return
	}
	f.resource(w, r, bmc, path, body)
}

func unauthorized(w http.ResponseWriter, path string) {
	w.Header().Set("WWW-Authenticate", `Basic realm="emulated BMC"`)
	extendedError(w, http.StatusUnauthorized, "Security.1.0.AccessDenied", "the service denies access to "+path+"; check user and password")
}

func (f *Face) resource(w http.ResponseWriter, r *http.Request, bmc, path string, body []byte) {
	systems := f.room.SystemsOf(bmc)
	if path == redfishSystems {
		if allow(w, r, http.MethodGet) {
			wire.Answer(w, http.StatusOK, f.systems(bmc, r.URL.Query().Get("$skip")))
		}
		return
	}
	if f.other(w, r, bmc, path) {
		return
	}
	if strings.HasPrefix(path, redfishRoot+"/SessionService") {
		f.sessionResource(w, r, bmc, path)
		return
	}
	if strings.HasPrefix(path, redfishEvents) {
		f.eventResource(w, r, bmc, path, body)
		return
	}
	for _, n := range systems {
		e := n.Endpoint
		switch {
		case path == e.System:
			if allow(w, r, http.MethodGet) {
				wire.Answer(w, http.StatusOK, f.system(n))
			}
			return
		case path == e.Target:
			if allow(w, r, http.MethodPost) {
				f.reset(w, r, n, body)
			}
			return
		case path == e.ActionInfo && path != "":
			if allow(w, r, http.MethodGet) {
				wire.Answer(w, http.StatusOK, actionInfo(e))
			}
			return
		}
	}
	redfishError(w, http.StatusNotFound, "there is no "+path)
}

// serviceRoot is what a BMC shows to anybody, its make among it.
func serviceRoot(systems []machineroom.System) map[string]any {
	link := func(path string) map[string]string { return map[string]string{"@odata.id": path} }
	root := map[string]any{
		"@odata.id": redfishRoot + "/", "@odata.type": "#ServiceRoot.v1_2_0.ServiceRoot", "Id": "RootService",
		"Name": "Root Service", "RedfishVersion": "1.2.0", "Systems": link(redfishSystems),
		"SessionService": link(redfishRoot + "/SessionService"), "EventService": link(redfishEvents),
		"Links": map[string]any{"Sessions": link(redfishSessions)},
	}
	if len(systems) > 0 && systems[0].Profile.Manufacturer != "" {
		root["Vendor"], root["Product"] = systems[0].Profile.Manufacturer, systems[0].Profile.Model
	}
	return root
}

func collection(path, kind string, members []string) map[string]any {
	links := make([]map[string]string, len(members))
	for i, m := range members {
		links[i] = map[string]string{"@odata.id": m}
	}
	return map[string]any{
		"@odata.id": path, "@odata.type": fmt.Sprintf("#%[1]sCollection.%[1]sCollection", kind), "Name": kind + " Collection",
		"Members": links, "Members@odata.count": len(links),
	}
}

func systemPaths(systems []machineroom.System) []string {
	paths := make([]string, len(systems))
	for i, n := range systems {
		paths[i] = n.Endpoint.System
	}
	return paths
}

func actionInfo(e machineroom.Endpoint) map[string]any {
	return map[string]any{
		"@odata.id": e.ActionInfo, "@odata.type": "#ActionInfo.v1_0_0.ActionInfo", "Id": "ResetActionInfo", "Name": "Reset Action Info",
		"Parameters": []map[string]any{{"Name": "ResetType", "Required": true, "DataType": "String", "AllowableValues": e.Listed}},
	}
}

// powerWords are Redfish's names for power states and the status of a system
// that is in them.
var powerWords = map[bos.PowerState][2]string{
	bos.PowerStateOn: {"On", "Enabled"}, bos.PowerStateOff: {"Off", "Disabled"},
	bos.PowerStatePoweringOn: {"PoweringOn", "Starting"}, bos.PowerStatePoweringOff: {"PoweringOff", "Enabled"},
}

func (f *Face) system(n machineroom.System) map[string]any {
	power, err := f.room.Power(n.ID, time.Now())
	if err != nil {
		power = bos.PowerStateOff // it has a BMC, or it were not served
	}
	words, e := powerWords[power], n.Endpoint
	action := map[string]any{"target": e.Target}
	if form, shows := f.room.Shows(fault.Slash, e.BMC, time.Now()); shows && form == fault.FormRefuse {
		action["target"] = e.Target + "/"
	}
	if e.ActionInfo != "" {
		action["@Redfish.ActionInfo"] = e.ActionInfo
	} else if e.Listed != nil {
		action["ResetType@Redfish.AllowableValues"] = e.Listed
	}
	id := e.System[strings.LastIndexByte(e.System, '/')+1:]
	system := map[string]any{
		"@odata.id": e.System, "@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem", "Id": id, "Name": id, "UUID": f.uuid(n),
		"SystemType": "Physical", "PowerState": words[0], "Status": map[string]string{"State": words[1], "Health": "OK"},
		"Actions": map[string]any{"#ComputerSystem.Reset": action},
	}
	if p := n.Profile; p.Manufacturer != "" {
		system["Manufacturer"], system["Model"] = p.Manufacturer, p.Model
	}
	if form, shows := f.room.Shows(fault.PowerWord, n.ID, time.Now()); shows {
		oddPower(system, form)
	}
	return system
}

// uuid is the UUID that the BMC of a node tells.
func (f *Face) uuid(n machineroom.System) string {
	if f.shows(fault.OtherMachine, n.Endpoint.BMC, time.Now()) {
		return machineroom.UUIDOf("another " + n.ID)
	}
	return machineroom.UUIDOf(n.ID)
}

func (f *Face) reset(w http.ResponseWriter, r *http.Request, n machineroom.System, body []byte) {
	var wanted struct{ ResetType string }
	if err := json.Unmarshal(body, &wanted); err != nil {
		redfishError(w, http.StatusBadRequest, "Invalid JSON")
		return
	}
	now := time.Now()
	does := f.room.AskReset(n.ID, wanted.ResetType, now)
	wire.Stall(r, machineroom.Trouble{Delay: does.Delay})
	if does.Faulty {
		refuse(w, does, n.Endpoint.Target)
		return
	}
	switch answered := does.Answer; answered {
	case machineroom.AnswerAccepted:
		f.config.Kick()
		f.accepted(w, n)
	case machineroom.AnswerNotReady:
		extendedError(w, http.StatusBadRequest, "IDRAC.1.6.SWC0700", "iDRAC is not ready. The configuration values cannot be accessed. Please retry after a few minutes.")
	case machineroom.AnswerCut:
		panic(http.ErrAbortHandler) // the way to end without an answer
	case machineroom.AnswerChanging:
		redfishError(w, http.StatusConflict, "resource locked")
	case machineroom.AnswerDenied:
		unauthorized(w, n.Endpoint.Target)
	case machineroom.AnswerUnknown:
		redfishError(w, http.StatusNotFound, "Not Found")
	default:
		if slices.Contains(n.Endpoint.ResetTypes, wanted.ResetType) {
			extendedError(w, int(answered), "Base.1.4.InvalidOperationForSystemState", "the power of the server is where the reset would lead")
			return
		}
		redfishError(w, int(answered), "Invalid ResetType")
	}
}

// accepted is how a BMC says that it has taken a reset.
func (f *Face) accepted(w http.ResponseWriter, n machineroom.System) {
	status := n.Profile.Accepted
	if status == 0 && slices.Contains(n.Endpoint.ResetTypes, machineroom.ResetGraceful) {
		status = http.StatusNoContent
	}
	if status == http.StatusNoContent || status == http.StatusAccepted {
		w.WriteHeader(status)
		return
	}
	wire.Answer(w, http.StatusOK, f.system(n)) // so do Cray's node controllers
}

// allow answers methods that a resource does not have.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) || r.Method == http.MethodHead && slices.Contains(methods, http.MethodGet) {
		return true
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	redfishError(w, http.StatusMethodNotAllowed, "The method is not allowed")
	return false
}

// redfishError is the short form in which Cray's node controllers refuse.
func redfishError(w http.ResponseWriter, status int, message string) {
	wire.Answer(w, status, map[string]any{"Status": status, "Message": message})
}

// extendedError is the form of the Redfish specification.
func extendedError(w http.ResponseWriter, status int, code, message string) {
	wire.Answer(w, status, map[string]any{"error": map[string]any{
		"code": code, "message": message,
		"@Message.ExtendedInfo": []map[string]any{{
			"@odata.type": "#Message.v1_0_5.Message", "MessageId": code, "Message": message, "Severity": "Critical",
		}},
	}})
}
