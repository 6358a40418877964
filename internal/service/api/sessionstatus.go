package api

import (
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// getSessionStatus answers the status saved at completion, before that the one
// of now.
func (s *server) getSessionStatus(w http.ResponseWriter, r *http.Request) error {
	rec, err := s.session(r)
	if err != nil {
		return err
	}
	if rec.Status.Status == bos.SessionComplete && rec.Extended != nil {
		return s.answer(w, http.StatusOK, rec.Extended)
	}
	status, err := s.extended(r, rec)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, status)
}

// saveSessionStatus computes the status anew and saves it.
func (s *server) saveSessionStatus(w http.ResponseWriter, r *http.Request) error {
	rec, err := s.session(r)
	if err != nil {
		return err
	}
	status, err := s.extended(r, rec)
	if err != nil {
		return err
	}
	_, err = s.Store.MutateSession(r.Context(), rec.Key(), func(rec *bos.SessionRecord) error {
		rec.Extended = &status
		return nil
	})
	if err != nil {
		return orMissing(err, kindSession, bos.TenantOf(rec.Tenant), rec.Name)
	}
	s.Changed(Change{Sessions: []bos.SessionKey{rec.Key()}})
	return s.answer(w, http.StatusOK, status)
}

// extended computes the status from the components that the session owns or
// has staged, each counted once.
func (s *server) extended(r *http.Request, rec bos.SessionRecord) (bos.ExtendedStatus, error) {
	tally, err := s.Store.SessionTally(r.Context(), rec.Key())
	if err != nil {
		return bos.ExtendedStatus{}, err
	}
	return tally.Extended(rec, s.Now()), nil
}
