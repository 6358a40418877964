package api

import (
	"errors"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// getPause says whether the site is paused: GET /x/v1/pause.
func (s *server) getPause(w http.ResponseWriter, r *http.Request) error {
	pause, err := s.Store.SitePause(r.Context())
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, pause.State())
}

// pauseSite pauses the site: POST /x/v1/pause with {"reason": text} or no body. From
// its answer on nothing new is sent to any node, until resumeSite.
func (s *server) pauseSite(w http.ResponseWriter, r *http.Request) error {
	body, err := s.siteWide(w, r)
	if err != nil {
		return err
	}
	return s.mutateSite(w, r, eventSitePaused, body.Reason, func(b *bos.Brake) error { return putOn(b, body.Reason, s.brake(r, body.Reason)) })
}

// resumeSite lets work go on: POST /x/v1/resume.
func (s *server) resumeSite(w http.ResponseWriter, r *http.Request) error {
	body, err := s.siteWide(w, r)
	if err != nil {
		return err
	}
	return s.mutateSite(w, r, eventSiteResumed, body.Reason, takeOff)
}

func (s *server) mutateSite(w http.ResponseWriter, r *http.Request, kind, reason string, change func(*bos.Brake) error) error {
	pause, err := s.Store.MutateSitePause(r.Context(), change, s.note(r, kind, reason))
	if err != nil {
		return err
	}
	if err := s.settle(r, Change{SitePause: &pause}); err != nil {
		return err
	}
	s.Log.Warn("the site was paused or resumed", "paused", pause.On(), "reason", reason, "actor", access.Actor(r))
	return s.answer(w, http.StatusOK, pause.State())
}

// siteWide refuses a tenant: the site is not a tenant's to pause.
func (s *server) siteWide(w http.ResponseWriter, r *http.Request) (cancelBody, error) {
	tenant, err := tenantOf(r)
	if err != nil {
		return cancelBody{}, err
	}
	if tenant != "" {
		return cancelBody{}, problemf(http.StatusForbidden, "Forbidden", "the site is paused and resumed for all tenants, so tenant %q may not do it; pause its sessions, leave out the header %s, or ask who runs the site", clip(tenant), tenantHeader)
	}
	return decodeCancel(w, r)
}

func (s *server) brake(r *http.Request, reason string) bos.Brake {
	return bos.NewBrake(reason, access.Actor(r), s.Now())
}

// putOn puts a brake on. One that is on stays as it is, but for another reason that
// is given.
func putOn(b *bos.Brake, reason string, next bos.Brake) error {
	if !b.On() {
		*b = next
		return nil
	}
	if reason == "" || reason == b.Reason {
		return bos.ErrSkip
	}
	b.Reason, b.Actor = next.Reason, next.Actor
	return nil
}

func takeOff(b *bos.Brake) error {
	if !b.On() {
		return bos.ErrSkip
	}
	*b = bos.Brake{}
	return nil
}

// getSessionPause says whether a session is paused: GET /x/v1/sessions/{name}/pause.
func (s *server) getSessionPause(w http.ResponseWriter, r *http.Request) error {
	rec, err := s.session(r)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, sessionPause(rec))
}

func sessionPause(rec bos.SessionRecord) bos.PauseState {
	state := rec.Paused.State()
	state.Session, state.Tenant = rec.Name, bos.TenantOf(rec.Tenant)
	return state
}

// pauseSession pauses one session: POST /x/v1/sessions/{name}/pause with {"reason":
// text} or no body. From its answer on nothing new is sent to its nodes, and it does
// not end, until it is resumed or cancelled. 409 for one that is complete.
func (s *server) pauseSession(w http.ResponseWriter, r *http.Request) error {
	return s.mutatePaused(w, r, eventSessionPaused, func(rec *bos.SessionRecord, reason string) error {
		if rec.Status.Status == bos.SessionComplete {
			return problemf(http.StatusConflict, titleConflict, "session %q is complete, so there is nothing to pause", rec.Name)
		}
		return putOn(&rec.Paused, reason, s.brake(r, reason))
	})
}

func (s *server) mutatePaused(w http.ResponseWriter, r *http.Request, kind string, change func(*bos.SessionRecord, string) error) error {
	key, err := sessionKey(r)
	if err != nil {
		return err
	}
	body, err := decodeCancel(w, r)
	if err != nil {
		return err
	}
	rec, err := s.Store.MutateSession(r.Context(), key, func(rec *bos.SessionRecord) error { return change(rec, body.Reason) }, s.note(r, kind, body.Reason))
	if errors.Is(err, bos.ErrSkip) {
		rec, err = s.Store.Session(r.Context(), key)
	}
	if err != nil {
		return orMissing(err, kindSession, key.Tenant, key.Name)
	}
	if err := s.settle(r, Change{Sessions: []bos.SessionKey{key}, Paused: []bos.SessionRecord{rec}}); err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, sessionPause(rec))
}

// notPaused refuses what would end the record of a paused session: its nodes would
// go on, although somebody stopped them.
func notPaused(rec *bos.SessionRecord) error {
	if rec.Rollout.Open() && rec.Status.Status != bos.SessionComplete {
		return problemf(http.StatusConflict, titleConflict, "session %q has a rollout that is not over, and its nodes would go on without it; cancel it (POST /x/v1/sessions/%s/cancel) first", rec.Name, rec.Name)
	}
	if !rec.Paused.On() || rec.Status.Status == bos.SessionComplete {
		return nil
	}
	return problemf(http.StatusConflict, titleConflict, "session %q is paused, and its nodes would go on without it; resume it (POST /x/v1/sessions/%s/resume) or cancel it (POST /x/v1/sessions/%s/cancel) first", rec.Name, rec.Name, rec.Name)
}
