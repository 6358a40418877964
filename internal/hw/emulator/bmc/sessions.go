package bmc

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

const redfishSessions = redfishRoot + "/SessionService/Sessions"

// sessionTimeout is after what time a session of a BMC ends that nobody uses.
const sessionTimeout = 30 * time.Minute

// sessions are the logins to all BMCs. The zero value has none.
type sessions struct {
	mu   sync.Mutex
	open map[string][]session
}

type session struct {
	id, token string
	used      time.Time
}

// create opens a session; ok is false if the BMC has as many as it can.
func (s *sessions) create(bmc string, limit int, now time.Time) (opened session, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[string][]session)
	}
	s.open[bmc] = slices.DeleteFunc(s.open[bmc], func(o session) bool { return now.Sub(o.used) > sessionTimeout })
	if len(s.open[bmc]) >= limit {
		return session{}, false
	}
	opened = session{uuid.NewString(), uuid.NewString(), now}
	s.open[bmc] = append(s.open[bmc], opened)
	return opened, true
}

// valid reports whether a token opens the BMC, and keeps its session alive.
func (s *sessions) valid(bmc, token string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.open[bmc] {
		if o.token == token && now.Sub(o.used) <= sessionTimeout {
			s.open[bmc][i].used = now
			return true
		}
	}
	return false
}

func (s *sessions) close(bmc, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.open[bmc])
	s.open[bmc] = slices.DeleteFunc(s.open[bmc], func(o session) bool { return o.id == id })
	return len(s.open[bmc]) < before
}

// forget closes all of a BMC.
func (s *sessions) forget(bmc string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, bmc)
}

func (s *sessions) ids(bmc string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, o := range s.open[bmc] {
		ids = append(ids, o.id)
	}
	return ids
}

// Sessions is how many sessions are open at a BMC.
func (f *Face) Sessions(bmc string) int { return len(f.sessions.ids(bmc)) }

func (f *Face) login(w http.ResponseWriter, bmc string, body []byte) {
	if f.shows(fault.NoSessions, bmc, time.Now()) {
		redfishError(w, http.StatusNotFound, "there is no "+redfishSessions)
		return
	}
	var who struct{ UserName, Password string }
	if err := json.Unmarshal(body, &who); err != nil {
		redfishError(w, http.StatusBadRequest, "Invalid JSON")
		return
	}
	if !f.accepts(bmc, who.UserName, who.Password, time.Now()) {
		extendedError(w, http.StatusUnauthorized, "Security.1.0.AccessDenied", "the service denies the login; check user and password")
		return
	}
	opened, ok := f.sessions.create(bmc, f.room.SystemsOf(bmc)[0].Profile.Sessions, time.Now())
	if !ok || f.shows(fault.SessionsFull, bmc, time.Now()) {
		f.sessions.close(bmc, opened.id)
		extendedError(w, http.StatusServiceUnavailable, "Base.1.0.SessionLimitExceeded", "the service has all the sessions it can have; close one")
		return
	}
	w.Header().Set("X-Auth-Token", opened.token)
	if !f.shows(fault.Placeless, bmc, time.Now()) {
		w.Header().Set("Location", redfishSessions+"/"+opened.id)
	}
	wire.Answer(w, http.StatusCreated, sessionBody(opened.id))
}

func sessionBody(id string) map[string]any {
	return map[string]any{
		"@odata.id": redfishSessions + "/" + id, "@odata.type": "#Session.v1_0_0.Session", "Id": id, "Name": "User Session", "UserName": User,
	}
}

func (f *Face) sessionResource(w http.ResponseWriter, r *http.Request, bmc, path string) {
	ids := f.sessions.ids(bmc)
	id, isSession := strings.CutPrefix(path, redfishSessions+"/")
	switch {
	case path == redfishRoot+"/SessionService":
		if allow(w, r, http.MethodGet) {
			wire.Answer(w, http.StatusOK, map[string]any{
				"@odata.id": path, "@odata.type": "#SessionService.v1_1_3.SessionService", "Id": "SessionService", "Name": "Session Service",
				"ServiceEnabled": true, "SessionTimeout": int(sessionTimeout.Seconds()), "Sessions": map[string]string{"@odata.id": redfishSessions},
			})
		}
	case path == redfishSessions:
		if allow(w, r, http.MethodGet, http.MethodPost) {
			paths := make([]string, len(ids))
			for i, id := range ids {
				paths[i] = redfishSessions + "/" + id
			}
			wire.Answer(w, http.StatusOK, collection(path, "Session", paths))
		}
	case !isSession || !slices.Contains(ids, id):
		redfishError(w, http.StatusNotFound, "there is no "+path)
	case r.Method == http.MethodDelete:
		f.sessions.close(bmc, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		if allow(w, r, http.MethodGet, http.MethodDelete) {
			wire.Answer(w, http.StatusOK, sessionBody(id))
		}
	}
}
