package services

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// PCSBase is where PCS is on the services' listener.
const PCSBase = "/power-control/v1"

func (f *Face) pcsRoutes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET " + PCSBase + "/power-status":        f.getPowerStatus,
		"POST " + PCSBase + "/power-status":       f.postPowerStatus,
		"POST " + PCSBase + "/transitions":        f.postTransition,
		"GET " + PCSBase + "/transitions":         f.listTransitions,
		"GET " + PCSBase + "/transitions/{id}":    f.getTransition,
		"DELETE " + PCSBase + "/transitions/{id}": f.abortTransition,
		"GET " + PCSBase + "/liveness":            noContent,
		"GET " + PCSBase + "/readiness":           noContent,
		"GET " + PCSBase + "/health": func(w http.ResponseWriter, _ *http.Request) {
			const fine = "connected, responsive"
			wire.Answer(w, http.StatusOK, map[string]string{
				"KvStore": fine, "DistLocking": fine, "StateManager": fine, "Vault": fine, "TaskRunner": fine + ", local mode",
			})
		},
	}
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func (f *Face) getPowerStatus(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	f.powerStatus(w, query["xname"], query.Get("powerStateFilter"), query.Get("managementStateFilter"))
}

func (f *Face) postPowerStatus(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Xname      []string `json:"xname"`
		Power      string   `json:"powerStateFilter"`
		Management string   `json:"managementStateFilter"`
	}
	if wire.Decode(w, r, &body) {
		f.powerStatus(w, body.Xname, body.Power, body.Management)
	}
}

// powerStatus answers for the nodes named, or for all.
func (f *Face) powerStatus(w http.ResponseWriter, xnames []string, power, management string) {
	for _, wrong := range []struct {
		name, value string
		known       []string
	}{{"PowerStateFilter", power, []string{"", "on", "off", "undefined"}}, {"ManagementStateFilter", management, []string{"", "available", "unavailable"}}} {
		if !slices.Contains(wrong.known, strings.ToLower(wrong.value)) {
			wire.Problem(w, http.StatusBadRequest, "invalid "+wrong.name+" type "+wrong.value)
			return
		}
	}
	var bad []string
	for _, id := range xnames {
		if len(id) < 2 || id[0] != 'x' || id[1] < '0' || id[1] > '9' {
			bad = append(bad, id)
		}
	}
	if len(bad) > 0 {
		wire.Problem(w, http.StatusBadRequest, "invalid xnames detected: "+strings.Join(bad, " "))
		return
	}
	body := f.statusBody(xnames, strings.ToLower(power), strings.ToLower(management), time.Now())
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client is gone if this fails
}

// nodeStatusSize is about what the status of one node takes, in bytes.
const nodeStatusSize = 320

// statusBody is the body of an answer. It is written by hand: for 10,000
// nodes, asked for many times during a reboot, reflection would cost more than
// all else here. Nothing in it needs quoting but what a client sent.
func (f *Face) statusBody(xnames []string, power, management string, now time.Time) []byte {
	stamp := now.UTC().Format(time.RFC3339Nano)
	body := append(make([]byte, 0, 16+max(len(xnames), 1)*nodeStatusSize), `{"status":[`...)
	start := len(body)
	f.room.PCSStates(xnames, now, func(s machineroom.PCSState) {
		if power != "" && power != s.Power || management != "" && management != s.Management {
			return
		}
		if len(body) > start {
			body = append(body, ',')
		}
		body = append(append(body, `{"xname":`...), quoted(s.ID)...)
		body = append(append(body, `,"powerState":"`...), s.Power...)
		body = append(append(body, `","managementState":"`...), s.Management...)
		body = append(append(body, `","error":"`...), s.Failure...)
		body = append(body, `","supportedPowerTransitions":`...)
		updated := ""
		if s.Known {
			body, updated = appendStrings(body, s.Operations), stamp
		} else {
			body = append(body, "null"...)
		}
		body = append(append(append(body, `,"lastUpdated":"`...), updated...), `"}`...)
	})
	return append(body, "]}\n"...)
}

// quoted is a string as JSON.
func quoted(s string) []byte {
	for _, c := range s {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			b, err := json.Marshal(s)
			if err != nil {
				return []byte(`""`) // strings can be marshaled
			}
			return b
		}
	}
	return append(append(append(make([]byte, 0, len(s)+2), '"'), s...), '"')
}

func appendStrings(body []byte, list []string) []byte {
	body = append(body, '[')
	for i, s := range list {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(append(append(body, '"'), s...), '"')
	}
	return append(body, ']')
}

func (f *Face) postTransition(w http.ResponseWriter, r *http.Request) {
	var order machineroom.TransitionOrder
	if !wire.Decode(w, r, &order) {
		return
	}
	id := uuid.NewString()
	operation, err := f.room.StartTransition(id, order, time.Now())
	switch {
	case errors.Is(err, machineroom.ErrTransitionTooLarge):
		wire.Problem(w, http.StatusInternalServerError, err.Error())
		return
	case err != nil:
		wire.Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	f.config.Kick()
	w.Header().Set("Location", "../transitions/"+id)
	wire.Answer(w, http.StatusOK, struct {
		ID        string `json:"transitionID"`
		Operation string `json:"operation"`
	}{id, operation})
}

func (f *Face) listTransitions(w http.ResponseWriter, _ *http.Request) {
	wire.Answer(w, http.StatusOK, map[string]any{"transitions": f.room.Transitions(time.Now())})
}

// transitionID is the id in a path; without one it has answered.
func transitionID(w http.ResponseWriter, r *http.Request) (id string, ok bool) {
	parsed, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		wire.Problem(w, http.StatusBadRequest, err.Error())
		return "", false
	}
	return parsed.String(), true
}

func (f *Face) getTransition(w http.ResponseWriter, r *http.Request) {
	id, ok := transitionID(w, r)
	if !ok {
		return
	}
	told, ok := f.room.Transition(id, time.Now())
	if !ok || f.forgets(fault.PCS, fault.FormTransitions) {
		wire.Problem(w, http.StatusNotFound, "Key /transition/"+id+" does not exist")
		return
	}
	wire.Answer(w, http.StatusOK, told)
}

func (f *Face) abortTransition(w http.ResponseWriter, r *http.Request) {
	id, ok := transitionID(w, r)
	if !ok {
		return
	}
	ok, err := f.room.AbortTransition(id, time.Now())
	switch {
	case !ok:
		wire.Problem(w, http.StatusNotFound, "Key /transition/"+id+" does not exist")
	case err != nil:
		wire.Problem(w, http.StatusBadRequest, err.Error())
	default:
		wire.Answer(w, http.StatusAccepted, map[string]string{"abortStatus": "Accepted - abort initiated"})
	}
}
