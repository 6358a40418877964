package provider_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// defaultOptions is the options of a fresh BOS, as they travel.
func defaultOptions() map[string]any {
	options := make(map[string]any)
	content, err := json.Marshal(bos.DefaultOptions())
	if err == nil {
		err = json.Unmarshal(content, &options)
	}
	if err != nil {
		panic(err) // strings and numbers always travel
	}
	return options
}

// Option is an option as it is now.
func (s *fakeBOS) Option(name string) (value any) {
	s.locked(func() { value = s.options[name] })
	return value
}

// SetOption changes an option behind everyone's back; nil makes it unknown to
// this version of BOS.
func (s *fakeBOS) SetOption(name string, value any) {
	s.locked(func() {
		s.options[name] = value
		if value == nil {
			delete(s.options, name)
		}
	})
}

// AsTenant gives a tenant a template of its own, the same as everybody's.
func (s *fakeBOS) AsTenant(tenant, template string) {
	s.locked(func() {
		t := s.templates[bos.SessionKey{Name: template}]
		t.Tenant = bos.TenantRef(tenant)
		s.templates[bos.SessionKey{Tenant: tenant, Name: template}] = t
	})
}

// Sicken makes the service say that its database cannot be used.
func (s *fakeBOS) Sicken() { s.locked(func() { s.sick = true }) }

func (s *fakeBOS) getOptions(*http.Request) (int, any) { return http.StatusOK, s.options }

func (s *fakeBOS) patchOptions(r *http.Request) (int, any) {
	var patch map[string]any
	if err := json.NewDecoder(r.Body).Decode(&patch); err != nil || len(patch) == 0 {
		return bad("no options (%v)", err)
	}
	for name, value := range patch {
		if _, known := s.options[name]; known {
			s.options[name] = value
		}
	}
	return http.StatusOK, s.options
}

func (s *fakeBOS) version(*http.Request) (int, any) {
	return http.StatusOK, map[string]string{"major": "2", "minor": "5", "patch": "1"}
}

func (s *fakeBOS) health(*http.Request) (int, any) {
	if s.sick {
		return http.StatusServiceUnavailable, refusal{http.StatusServiceUnavailable, "Service Unavailable", "dbStatus is not_available"}
	}
	return http.StatusOK, map[string]string{"dbStatus": "ok", "apiStatus": "ok"}
}

// visible reports whether a list shows the tenant's records.
func visible(r *http.Request, tenant string) bool {
	asked := r.Header.Get("Cray-Tenant-Name")
	return asked == "" || asked == tenant
}

func (s *fakeBOS) listTemplates(r *http.Request) (int, any) {
	list := []bos.SessionTemplate{}
	for k, t := range s.templates {
		if visible(r, k.Tenant) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b bos.SessionTemplate) int { return cmp.Compare(b.Name, a.Name) })
	return http.StatusOK, list
}

func (s *fakeBOS) listSessions(r *http.Request) (int, any) {
	list := []bos.Session{}
	for k, session := range s.sessions {
		status := r.URL.Query().Get("status")
		if visible(r, k.Tenant) && (status == "" || status == string(session.Status.Status)) {
			list = append(list, *session)
		}
	}
	return http.StatusOK, list
}

// missingImage is an image that the fake's object store does not have.
const missingImage = "s3://missing"

func (s *fakeBOS) validity(r *http.Request) (int, any) {
	t, ok := s.templates[key(r)]
	if !ok {
		return missing("Session template '%s' does not exist", key(r).Name)
	}
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		if strings.HasPrefix(t.BootSets[name].Path, missingImage) {
			return http.StatusOK, "Session template: '" + t.Name + "' boot set: '" + name + "': no such image"
		}
	}
	return http.StatusOK, "Valid"
}

func (s *fakeBOS) sessionStatus(r *http.Request) (int, any) {
	session, ok := s.sessions[key(r)]
	if !ok {
		return missing("Session '%s' does not exist", key(r).Name)
	}
	if kept, over := s.kept[session]; over {
		return http.StatusOK, kept
	}
	return http.StatusOK, s.extended(session)
}

// extended is the status of a session as it is now.
func (s *fakeBOS) extended(session *bos.Session) bos.ExtendedStatus {
	var all []bos.Record
	for _, c := range s.nodes {
		all = append(all, bos.Record{Component: *c})
	}
	return bos.Extended(bos.SessionRecord{Session: *session}, all, session.Status.StartTime.Time)
}

func (s *fakeBOS) applyStaged(r *http.Request) (int, any) {
	var body struct {
		Xnames []string `json:"xnames"`
	}
	if err := decode(r, &body); err != nil {
		return bad("%s", err)
	}
	answer := map[string][]string{"succeeded": {}, "failed": {}, "ignored": {}}
	taken := make(map[*bos.Session]bool)
	s.applied++
	done := func(what, id string) { answer[what] = append(answer[what], id) }
	for _, id := range body.Xnames {
		c := s.nodes[id]
		if c == nil || c.StagedState.Session == "" {
			done("ignored", id)
			continue
		}
		session := s.sessions[bos.SessionKey{Tenant: key(r).Tenant, Name: c.StagedState.Session}]
		c.Session = c.StagedState.Session
		c.LastAction = bos.LastAction{Action: bos.ActionApplyStaged, LastUpdated: bos.At(time.Now().Add(time.Duration(s.applied) * time.Hour))}
		if session == nil {
			c.Enabled, c.Error = false, "the session is gone"
			done("failed", id)
			continue
		}
		c.DesiredState.BootArtifacts, c.Enabled, c.Error = c.StagedState.BootArtifacts, true, ""
		c.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
		if !s.keepsStaged {
			c.StagedState = bos.StagedState{}
		}
		done("succeeded", id)
		taken[session] = true
	}
	for session := range taken {
		if !s.held {
			s.finish(session)
		}
	}
	return http.StatusOK, answer
}

func (s *fakeBOS) cancel(r *http.Request) (int, any) {
	var body struct {
		Reason string `json:"reason"`
	}
	session, ok := s.sessions[key(r)]
	if err := decode(r, &body); err != nil || !ok {
		return missing("Session '%s' does not exist (%v)", key(r).Name, err)
	}
	if session.Status.Status != bos.SessionComplete {
		text := "cancelled: " + body.Reason
		session.Status.Status, session.Status.EndTime, session.Status.Error = bos.SessionComplete, bos.At(time.Now()), &text
	}
	return http.StatusOK, session
}
