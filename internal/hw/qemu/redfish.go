package qemu

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Where the BMC has its only system.
const (
	root       = "/redfish/v1"
	systems    = root + "/Systems"
	systemPath = systems + "/Self"
	resetPath  = systemPath + "/Actions/ComputerSystem.Reset"
)

// powerOffTime bounds the wait for a process that was killed.
const powerOffTime = 10 * time.Second

// maxBody bounds the body of a reset.
const maxBody = 64 << 10

// resets are the resets of a machine by their Redfish names.
var resets = map[string]func(*machine, context.Context) error{
	"On":               func(m *machine, _ context.Context) error { return m.start() },
	"ForceOff":         (*machine).stop,
	"GracefulShutdown": func(m *machine, _ context.Context) error { return m.press() },
	"ForceRestart":     func(m *machine, _ context.Context) error { return m.reset() },
}

// bmc speaks Redfish for one machine.
type bmc struct {
	*machine
	user, password string
}

func (b bmc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	if path == root {
		b.get(w, r, map[string]any{
			"@odata.id": root, "@odata.type": "#ServiceRoot.v1_2_0.ServiceRoot", "Id": "RootService", "Name": "BMC of " + b.id,
			"RedfishVersion": "1.2.0", "Systems": map[string]string{"@odata.id": systems},
		})
		return
	}
	if !b.knows(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="BMC"`)
		refuse(w, http.StatusUnauthorized, "Base.1.8.InsufficientPrivilege", "user or password is wrong")
		return
	}
	switch path {
	case systems:
		b.get(w, r, map[string]any{
			"@odata.id": systems, "@odata.type": "#ComputerSystemCollection.ComputerSystemCollection", "Name": "Systems",
			"Members": []any{map[string]string{"@odata.id": systemPath}}, "Members@odata.count": 1,
		})
	case systemPath:
		b.get(w, r, b.system())
	case resetPath:
		b.act(w, r)
	default:
		refuse(w, http.StatusNotFound, "Base.1.8.ResourceMissingAtURI", "there is nothing at "+path)
	}
}

// knows reports whether a request has the user and the password.
func (b bmc) knows(r *http.Request) bool {
	user, password, given := r.BasicAuth()
	return given && subtle.ConstantTimeCompare([]byte(user+"\x00"+password), []byte(b.user+"\x00"+b.password)) == 1
}

func (b bmc) system() map[string]any {
	power := "Off"
	if b.on() {
		power = "On"
	}
	names := make([]string, 0, len(resets))
	for name := range resets {
		names = append(names, name)
	}
	slices.Sort(names)
	return map[string]any{
		"@odata.id": systemPath, "@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem", "Id": "Self", "Name": b.id,
		"SystemType": "Virtual", "UUID": b.uuid, "PowerState": power,
		"Actions": map[string]any{"#ComputerSystem.Reset": map[string]any{"target": resetPath, "ResetType@Redfish.AllowableValues": names}},
	}
}

// act carries a reset out.
func (b bmc) act(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "Base.1.8.ActionNotSupported", "a reset is a POST")
		return
	}
	var wanted struct{ ResetType string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&wanted); err != nil {
		refuse(w, http.StatusBadRequest, "Base.1.8.MalformedJSON", "the body of a reset is JSON with a ResetType")
		return
	}
	do := resets[wanted.ResetType]
	if do == nil {
		refuse(w, http.StatusBadRequest, "Base.1.8.ActionParameterNotSupported", fmt.Sprintf("%.50q is no ResetType of this system", wanted.ResetType))
		return
	}
	// The reset is carried out also if who asked for it has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), powerOffTime)
	defer cancel()
	b.log.Info("reset", "node", b.id, "type", wanted.ResetType)
	if err := do(b.machine, ctx); err != nil {
		b.log.Error("a reset failed", "node", b.id, "type", wanted.ResetType, "error", err)
		refuse(w, http.StatusInternalServerError, "Base.1.8.InternalError", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b bmc) get(w http.ResponseWriter, r *http.Request, resource any) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "Base.1.8.OperationNotAllowed", "it can only be read")
		return
	}
	reply(w, http.StatusOK, resource)
}

func refuse(w http.ResponseWriter, status int, id, message string) {
	reply(w, status, map[string]any{"error": map[string]any{
		"code": id, "message": message,
		"@Message.ExtendedInfo": []any{map[string]string{"MessageId": id, "Message": message, "Severity": "Critical"}},
	}})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who asked is gone if this fails
}
