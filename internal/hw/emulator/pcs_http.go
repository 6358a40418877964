package emulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// pcsBase is where PCS is on the services' listener.
const pcsBase = "/power-control/v1"

func (s *Server) pcsRoutes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET " + pcsBase + "/power-status":        s.getPowerStatus,
		"POST " + pcsBase + "/power-status":       s.postPowerStatus,
		"POST " + pcsBase + "/transitions":        s.postTransition,
		"GET " + pcsBase + "/transitions":         s.listTransitions,
		"GET " + pcsBase + "/transitions/{id}":    s.getTransition,
		"DELETE " + pcsBase + "/transitions/{id}": s.abortTransition,
		"GET " + pcsBase + "/liveness":            noContent,
		"GET " + pcsBase + "/readiness":           noContent,
		"GET " + pcsBase + "/health": func(w http.ResponseWriter, _ *http.Request) {
			const fine = "connected, responsive"
			answer(w, http.StatusOK, map[string]string{
				"KvStore": fine, "DistLocking": fine, "StateManager": fine, "Vault": fine, "TaskRunner": fine + ", local mode",
			})
		},
	}
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func (s *Server) getPowerStatus(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.powerStatus(w, query["xname"], query.Get("powerStateFilter"), query.Get("managementStateFilter"))
}

func (s *Server) postPowerStatus(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Xname      []string `json:"xname"`
		Power      string   `json:"powerStateFilter"`
		Management string   `json:"managementStateFilter"`
	}
	if decode(w, r, &body) {
		s.powerStatus(w, body.Xname, body.Power, body.Management)
	}
}

// powerStatus answers for the nodes named, or for all.
func (s *Server) powerStatus(w http.ResponseWriter, xnames []string, power, management string) {
	for _, wrong := range []struct {
		name, value string
		known       []string
	}{{"PowerStateFilter", power, []string{"", "on", "off", "undefined"}}, {"ManagementStateFilter", management, []string{"", "available", "unavailable"}}} {
		if !slices.Contains(wrong.known, strings.ToLower(wrong.value)) {
			problem(w, http.StatusBadRequest, "invalid "+wrong.name+" type "+wrong.value)
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
		problem(w, http.StatusBadRequest, "invalid xnames detected: "+strings.Join(bad, " "))
		return
	}
	body := s.room.powerStatus(xnames, strings.ToLower(power), strings.ToLower(management), time.Now())
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client is gone if this fails
}

// nodeStatusSize is about what the status of one node takes, in bytes.
const nodeStatusSize = 320

// powerStatus is the body of an answer. It is written by hand: for 10,000
// nodes, asked for many times during a reboot, reflection would cost more than
// all else here. Nothing in it needs quoting but what a client sent.
func (r *Room) powerStatus(xnames []string, power, management string, now time.Time) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(xnames) == 0 {
		for _, n := range r.order {
			xnames = append(xnames, n.ID)
		}
	}
	stamp := now.UTC().Format(time.RFC3339Nano)
	body := append(make([]byte, 0, 16+len(xnames)*nodeStatusSize), `{"status":[`...)
	start := len(body)
	for _, id := range xnames {
		n, ok := r.find(id)
		state, managed, failure, updated := "", "", "Component not found in component map.", ""
		if ok {
			r.advance(n, now)
			state, managed, failure = r.pcsState(n, now)
			updated = stamp
		}
		if power != "" && power != state || management != "" && management != managed {
			continue
		}
		if len(body) > start {
			body = append(body, ',')
		}
		if ok {
			id = n.ID
		}
		body = append(append(body, `{"xname":`...), quoted(id)...)
		body = append(append(body, `,"powerState":"`...), state...)
		body = append(append(body, `","managementState":"`...), managed...)
		body = append(append(body, `","error":"`...), failure...)
		body = append(body, `","supportedPowerTransitions":`...)
		if ok {
			body = appendStrings(body, n.operations)
		} else {
			body = append(body, "null"...)
		}
		body = append(append(append(body, `,"lastUpdated":"`...), updated...), `"}`...)
	}
	return append(body, "]}\n"...)
}

// pcsState is what PCS knows of a node: it has no words for power that is
// changing.
func (r *Room) pcsState(n *node, now time.Time) (power, management, failure string) {
	if n.endpoint.BMC == "" {
		return "undefined", "unavailable", "No response from target"
	}
	switch r.bmcTrouble(n.endpoint.BMC, now).Fault {
	case FaultDead, FaultHang:
		return "undefined", "unavailable", "No response from target"
	case FaultBusy:
		return "undefined", "unavailable", "503 Service Unavailable"
	case FaultCredentials:
		return "undefined", "unavailable", "401 Unauthorized"
	default: // it is answered
	}
	switch n.tells(now) {
	case bos.PowerStateOn:
		return "on", "available", ""
	case bos.PowerStateOff:
		return "off", "available", ""
	default:
		return "undefined", "available", ""
	}
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

func (s *Server) postTransition(w http.ResponseWriter, r *http.Request) {
	var order TransitionOrder
	if !decode(w, r, &order) {
		return
	}
	id := uuid.NewString()
	operation, err := s.room.StartTransition(id, order, time.Now())
	switch {
	case errors.Is(err, ErrTransitionTooLarge):
		problem(w, http.StatusInternalServerError, err.Error())
		return
	case err != nil:
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	s.Kick()
	w.Header().Set("Location", "../transitions/"+id)
	answer(w, http.StatusOK, struct {
		ID        string `json:"transitionID"`
		Operation string `json:"operation"`
	}{id, operation})
}

func (s *Server) listTransitions(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"transitions": s.room.Transitions(time.Now())})
}

// transitionID is the id in a path; without one it has answered.
func transitionID(w http.ResponseWriter, r *http.Request) (id string, ok bool) {
	parsed, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return "", false
	}
	return parsed.String(), true
}

func (s *Server) getTransition(w http.ResponseWriter, r *http.Request) {
	id, ok := transitionID(w, r)
	if !ok {
		return
	}
	told, ok := s.room.Transition(id, time.Now())
	if !ok {
		problem(w, http.StatusNotFound, "Key /transition/"+id+" does not exist")
		return
	}
	answer(w, http.StatusOK, told)
}

func (s *Server) abortTransition(w http.ResponseWriter, r *http.Request) {
	id, ok := transitionID(w, r)
	if !ok {
		return
	}
	ok, err := s.room.AbortTransition(id, time.Now())
	switch {
	case !ok:
		problem(w, http.StatusNotFound, "Key /transition/"+id+" does not exist")
	case err != nil:
		problem(w, http.StatusBadRequest, err.Error())
	default:
		answer(w, http.StatusAccepted, map[string]string{"abortStatus": "Accepted - abort initiated"})
	}
}
