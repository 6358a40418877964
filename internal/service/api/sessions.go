package api

import (
	"errors"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const kindSession = "Session"

var sessionPhases = []bos.SessionPhase{bos.SessionPending, bos.SessionRunning, bos.SessionComplete}

// view is a session as the v2 API answers it, with the list of its nodes.
func (s *server) view(r *http.Request, rec bos.SessionRecord) (bos.Session, error) {
	var err error
	if rec.Components, err = s.Store.SessionComponents(r.Context(), rec.Key()); err != nil {
		return bos.Session{}, err
	}
	// Clients of version 2 know no rollouts: without a word the session of a template that
	// has an order would be running for ever.
	if wait := rec.Wait(bos.TenantOf(rec.Tenant)); rec.Status.Error == nil && wait != nil && wait.Reason == bos.SessionWaitsHalted {
		rec.Status.Error = &wait.Sentence
	}
	return rec.Session, nil
}

func (s *server) answerSession(w http.ResponseWriter, r *http.Request, rec bos.SessionRecord) error {
	view, err := s.view(r, rec)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, view)
}

// sessionKey is the session that a request is about.
func sessionKey(r *http.Request) (bos.SessionKey, error) {
	name := r.PathValue("name")
	if !bos.ValidName(name) {
		return bos.SessionKey{}, bos.Invalidf("name", "%q cannot name a session; use %s", clip(name), bos.NameRule)
	}
	tenant, err := tenantOf(r)
	return bos.SessionKey{Tenant: tenant, Name: name}, err
}

// session loads the session that a request is about.
func (s *server) session(r *http.Request) (bos.SessionRecord, error) {
	key, err := sessionKey(r)
	if err != nil {
		return bos.SessionRecord{}, err
	}
	rec, err := s.Store.Session(r.Context(), key)
	return rec, orMissing(err, kindSession, key.Tenant, key.Name)
}

// sessionFilter reads the filters of a list; the tenant is left to the caller.
func sessionFilter(r *http.Request) (bos.SessionFilter, error) {
	var f bos.SessionFilter
	q := r.URL.Query()
	if q.Has("status") {
		f.Status = bos.SessionPhase(q.Get("status"))
		if !slices.Contains(sessionPhases, f.Status) {
			return f, bos.Invalidf("query parameter status", "%q is no status of a session; use one of %q", clip(string(f.Status)), sessionPhases)
		}
	}
	var err error
	if f.MinAge, _, err = queryAge(q, "min_age"); err != nil {
		return f, err
	}
	age, given, err := queryAge(q, "max_age")
	if given {
		// A bound of 0 is none to the store, but "at most 0 old" is
		// nearly nothing, and a DELETE must not take it for everything.
		f.MaxAge = max(age, time.Nanosecond)
	}
	return f, err
}

func (s *server) listSessions(w http.ResponseWriter, r *http.Request) error {
	f, err := sessionFilter(r)
	if err != nil {
		return err
	}
	if f.Of, err = tenantsOf(r); err != nil {
		return err
	}
	sessions, err := s.Store.Sessions(r.Context(), f, s.Now())
	if err != nil {
		return err
	}
	// Each has a list of its nodes, of more than a megabyte for a large one: they are
	// read one after the other while the answer is sent, and never held together.
	return answerList(s, w, sessions, func(rec bos.SessionRecord) bos.Session {
		view, err := s.view(r, rec)
		if err != nil {
			s.Log.Error("a list of sessions ends halfway", "session", rec.Name, "error", err)
			panic(http.ErrAbortHandler) // half of it is sent
		}
		return view
	})
}

// deleteSessions deletes complete sessions unless status says otherwise, and
// without a tenant only those of none.
func (s *server) deleteSessions(w http.ResponseWriter, r *http.Request) error {
	f, err := sessionFilter(r)
	if err != nil {
		return err
	}
	if f.Status == "" {
		f.Status = bos.SessionComplete
	}
	tenant, err := tenantOf(r)
	if err != nil {
		return err
	}
	f.Of = bos.OneTenant(tenant)
	sessions, err := s.Store.Sessions(r.Context(), f, s.Now())
	if err != nil {
		return err
	}
	for i := range sessions {
		if err := notPaused(&sessions[i]); err != nil {
			return err
		}
	}
	var gone []bos.SessionKey
	for _, rec := range sessions {
		err := s.Store.DeleteSession(r.Context(), rec.Key(), s.note(r, eventSessionDeleted, ""))
		if err != nil && !errors.Is(err, bos.ErrNotFound) {
			s.Changed(Change{Sessions: gone})
			return err
		}
		gone = append(gone, rec.Key())
	}
	if err := s.settle(r, Change{Sessions: gone}); err != nil {
		return err
	}
	return s.noContent(w)
}

func (s *server) getSession(w http.ResponseWriter, r *http.Request) error {
	rec, err := s.session(r)
	if err != nil {
		return err
	}
	return s.answerSession(w, r, rec)
}

func (s *server) deleteSession(w http.ResponseWriter, r *http.Request) error {
	key, err := sessionKey(r)
	if err != nil {
		return err
	}
	rec, err := s.Store.Session(r.Context(), key)
	if err == nil {
		err = notPaused(&rec)
	}
	if err != nil {
		return orMissing(err, kindSession, key.Tenant, key.Name)
	}
	if err := s.Store.DeleteSession(r.Context(), key, s.note(r, eventSessionDeleted, "")); err != nil {
		return orMissing(err, kindSession, key.Tenant, key.Name)
	}
	if err := s.settle(r, Change{Sessions: []bos.SessionKey{key}}); err != nil {
		return err
	}
	return s.noContent(w)
}

// sessionPatch is what a client may change of a session.
type sessionPatch struct {
	Components *string `json:"components"`
	Status     *struct {
		StartTime *bos.Time          `json:"start_time"`
		EndTime   nullable[bos.Time] `json:"end_time"`
		Status    *bos.SessionPhase  `json:"status"`
		Error     nullable[string]   `json:"error"`
	} `json:"status"`
}

func (p sessionPatch) check() error {
	if err := checkText("components", p.Components, bos.MaxLimit); err != nil || p.Status == nil {
		return err
	}
	if to := p.Status.Status; to != nil && !slices.Contains(sessionPhases, *to) {
		return bos.Invalidf("status.status", "%q is no status of a session; use one of %q", clip(string(*to)), sessionPhases)
	}
	return checkText("status.error", p.Status.Error.value, bos.MaxError)
}

func checkText(field string, text *string, limit int) error {
	if text == nil {
		return nil
	}
	if n := utf8.RuneCountInString(*text); n > limit {
		return bos.Invalidf(field, "has %d characters, at most %d are allowed", n, limit)
	}
	return nil
}

func (p sessionPatch) apply(rec *bos.SessionRecord) error {
	set(&rec.Components, p.Components)
	rec.Relist = p.Components != nil
	if p.Status == nil {
		return nil
	}
	if to := p.Status.Status; to != nil && slices.Index(sessionPhases, *to) < slices.Index(sessionPhases, rec.Status.Status) {
		return bos.Invalidf("status.status", "the session is %s and cannot go back to %s; create a new session", rec.Status.Status, *to)
	}
	if to := p.Status.Status; to != nil && *to == bos.SessionComplete {
		if err := notPaused(rec); err != nil {
			return err
		}
	}
	set(&rec.Status.StartTime, p.Status.StartTime)
	set(&rec.Status.Status, p.Status.Status)
	if p.Status.EndTime.given {
		rec.Status.EndTime = p.Status.EndTime.orZero()
	}
	if p.Status.Error.given {
		rec.Status.Error = p.Status.Error.value
	}
	return nil
}

func (s *server) patchSession(w http.ResponseWriter, r *http.Request) error {
	key, err := sessionKey(r)
	if err != nil {
		return err
	}
	var patch sessionPatch
	if err := decode(w, r, maxBody, &patch); err != nil {
		return err
	}
	if err := patch.check(); err != nil {
		return err
	}
	rec, err := s.Store.MutateSession(r.Context(), key, patch.apply, s.note(r, eventSessionPatched, ""))
	if err != nil {
		return orMissing(err, kindSession, key.Tenant, key.Name)
	}
	if err := s.settle(r, Change{Sessions: []bos.SessionKey{key}}); err != nil {
		return err
	}
	return s.answerSession(w, r, rec)
}
