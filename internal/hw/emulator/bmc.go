package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	redfishRoot    = "/redfish/v1"
	redfishSystems = redfishRoot + "/Systems"
	// retryAfter is what a busy BMC asks for, in seconds.
	retryAfter = "1"
)

// redfish serves every BMC; which one is told by the address connected to.
func (s *Server) redfish(w http.ResponseWriter, r *http.Request) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		redfishError(w, http.StatusInternalServerError, "no TCP connection")
		return
	}
	s.counts.add("BMC " + r.Method)
	bmc := s.addresses.at[local.String()]
	s.atOnce.begin(bmc)
	defer s.atOnce.end(bmc)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		redfishError(w, http.StatusRequestEntityTooLarge, "Request too large")
		return
	}
	s.restart(bmc, time.Now())
	trouble := s.room.BMCTrouble(bmc, time.Now())
	stall(r, trouble)
	switch trouble.Fault {
	case FaultBusy:
		w.Header().Set("Retry-After", seconds(trouble.RetryAfter))
		redfishError(w, http.StatusServiceUnavailable, "Service temporarily unavailable")
		return
	case FaultCredentials:
		if _, _, given := r.BasicAuth(); given || r.Method == http.MethodPost && strings.TrimSuffix(r.URL.Path, "/") == redfishSessions {
			s.accepts(bmc, "", "", time.Now())
		}
		unauthorized(w, r.URL.Path)
		return
	default: // it is answered
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	if path == redfishRoot {
		if allow(w, r, http.MethodGet) {
			answer(w, http.StatusOK, serviceRoot())
		}
		return
	}
	if path == redfishSessions && r.Method == http.MethodPost {
		s.login(w, bmc, body)
		return
	}
	if !s.authorized(r, bmc) {
		unauthorized(w, path)
		return
	}
	s.resource(w, r, bmc, path, body)
}

func unauthorized(w http.ResponseWriter, path string) {
	w.Header().Set("WWW-Authenticate", `Basic realm="emulated BMC"`)
	extendedError(w, http.StatusUnauthorized, "Security.1.0.AccessDenied", "the service denies access to "+path+"; check user and password")
}

func (s *Server) resource(w http.ResponseWriter, r *http.Request, bmc, path string, body []byte) {
	nodes := s.room.bmcs[bmc]
	if path == redfishSystems {
		if allow(w, r, http.MethodGet) {
			answer(w, http.StatusOK, collection(path, "ComputerSystem", systemPaths(nodes)))
		}
		return
	}
	if strings.HasPrefix(path, redfishRoot+"/SessionService") {
		s.sessionResource(w, r, bmc, path)
		return
	}
	if strings.HasPrefix(path, redfishEvents) {
		s.eventResource(w, r, bmc, path, body)
		return
	}
	for _, n := range nodes {
		e := n.endpoint
		switch {
		case path == e.System:
			if allow(w, r, http.MethodGet) {
				answer(w, http.StatusOK, s.system(n))
			}
			return
		case path == e.Target:
			if allow(w, r, http.MethodPost) {
				s.reset(w, r, n, body)
			}
			return
		case path == e.ActionInfo && path != "":
			if allow(w, r, http.MethodGet) {
				answer(w, http.StatusOK, actionInfo(e))
			}
			return
		}
	}
	redfishError(w, http.StatusNotFound, "there is no "+path)
}

func serviceRoot() map[string]any {
	link := func(path string) map[string]string { return map[string]string{"@odata.id": path} }
	return map[string]any{
		"@odata.id": redfishRoot + "/", "@odata.type": "#ServiceRoot.v1_2_0.ServiceRoot", "Id": "RootService",
		"Name": "Root Service", "RedfishVersion": "1.2.0", "Systems": link(redfishSystems),
		"SessionService": link(redfishRoot + "/SessionService"), "EventService": link(redfishEvents),
		"Links": map[string]any{"Sessions": link(redfishSessions)},
	}
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

func systemPaths(nodes []*node) []string {
	paths := make([]string, len(nodes))
	for i, n := range nodes {
		paths[i] = n.endpoint.System
	}
	return paths
}

func actionInfo(e Endpoint) map[string]any {
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

func (s *Server) system(n *node) map[string]any {
	power, err := s.room.Power(n.ID, time.Now())
	if err != nil {
		power = bos.PowerStateOff // it has a BMC, or it were not served
	}
	words, e := powerWords[power], n.endpoint
	action := map[string]any{"target": e.Target}
	if e.ActionInfo != "" {
		action["@Redfish.ActionInfo"] = e.ActionInfo
	} else if e.Listed != nil {
		action["ResetType@Redfish.AllowableValues"] = e.Listed
	}
	id := e.System[strings.LastIndexByte(e.System, '/')+1:]
	system := map[string]any{
		"@odata.id": e.System, "@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem", "Id": id, "Name": id, "UUID": s.uuid(n),
		"SystemType": "Physical", "PowerState": words[0], "Status": map[string]string{"State": words[1], "Health": "OK"},
		"Actions": map[string]any{"#ComputerSystem.Reset": action},
	}
	if p := n.profile; p.Manufacturer != "" {
		system["Manufacturer"], system["Model"] = p.Manufacturer, p.Model
	}
	return system
}

// uuid is the UUID that the BMC of a node tells.
func (s *Server) uuid(n *node) string {
	if s.room.shows(FaultOtherMachine, n.endpoint.BMC, time.Now()) {
		return uuidOf("another " + n.ID)
	}
	return uuidOf(n.ID)
}

// uuidOf is the UUID of a node's system, the same in each room.
func uuidOf(id string) string { return uuid.NewSHA1(uuid.Nil, []byte(id)).String() }

func (s *Server) reset(w http.ResponseWriter, r *http.Request, n *node, body []byte) {
	var wanted struct{ ResetType string }
	if err := json.Unmarshal(body, &wanted); err != nil {
		redfishError(w, http.StatusBadRequest, "Invalid JSON")
		return
	}
	now := time.Now()
	answered := s.room.resetAnswered(n.ID, wanted.ResetType, now)
	stall(r, Trouble{Delay: s.room.resetDelay(n.ID, wanted.ResetType, now)})
	switch answered {
	case AnswerAccepted:
		s.Kick()
		s.accepted(w, n)
	case AnswerNotReady:
		extendedError(w, http.StatusBadRequest, "IDRAC.1.6.SWC0700", "iDRAC is not ready. The configuration values cannot be accessed. Please retry after a few minutes.")
	case AnswerCut:
		panic(http.ErrAbortHandler) // the way to end without an answer
	case AnswerChanging:
		redfishError(w, http.StatusConflict, "resource locked")
	case AnswerBusy:
		w.Header().Set("Retry-After", retryAfter)
		redfishError(w, http.StatusServiceUnavailable, "Service temporarily unavailable")
	case AnswerDenied:
		unauthorized(w, n.endpoint.Target)
	case AnswerUnknown:
		redfishError(w, http.StatusNotFound, "Not Found")
	default:
		if slices.Contains(n.endpoint.ResetTypes, wanted.ResetType) {
			extendedError(w, int(answered), "Base.1.4.InvalidOperationForSystemState", "the power of the server is where the reset would lead")
			return
		}
		redfishError(w, int(answered), "Invalid ResetType")
	}
}

// accepted is how a BMC says that it has taken a reset.
func (s *Server) accepted(w http.ResponseWriter, n *node) {
	status := n.profile.Accepted
	if status == 0 && slices.Contains(n.endpoint.ResetTypes, ResetGraceful) {
		status = http.StatusNoContent
	}
	if status == http.StatusNoContent || status == http.StatusAccepted {
		w.WriteHeader(status)
		return
	}
	answer(w, http.StatusOK, s.system(n)) // so do Cray's node controllers
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
	answer(w, status, map[string]any{"Status": status, "Message": message})
}

// extendedError is the form of the Redfish specification.
func extendedError(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"error": map[string]any{
		"code": code, "message": message,
		"@Message.ExtendedInfo": []map[string]any{{
			"@odata.type": "#Message.v1_0_5.Message", "MessageId": code, "Message": message, "Severity": "Critical",
		}},
	}})
}
