package api

import (
	"errors"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// refused notes in the history that somebody known may not write what they tried
// to, and passes err on. Who is nobody leaves a line in the log alone: whoever has
// no token at all shall not fill the history.
func (s *server) refused(r *http.Request, err error) error {
	var denied *access.Refused
	if !errors.As(err, &denied) || denied.Status != http.StatusForbidden || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return err
	}
	if !s.noted.AllowN(s.Now(), 1) {
		return err
	}
	note := s.note(r, eventRefused, r.Method+" "+clip(r.URL.Path)+": "+denied.Detail)
	if component := r.PathValue("id"); component != "" {
		note.Component = clip(component)
	}
	if err := s.Store.Note(r.Context(), note); err != nil {
		s.Log.Error("the database did not take the note of a refused request", "error", err)
	}
	return err
}
