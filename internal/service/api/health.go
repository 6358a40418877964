package api

import "net/http"

type health struct {
	DBStatus  string `json:"dbStatus"`
	APIStatus string `json:"apiStatus"`
}

// getHealth answers 200 when the service can work and 503 when its database
// cannot be used; the original answers 200 in both cases.
func (s *server) getHealth(w http.ResponseWriter, r *http.Request) error {
	if err := s.Store.Ping(r.Context()); err != nil {
		s.Log.Warn("the database cannot be used", "error", err)
		return unavailable("dbStatus is not_available, apiStatus is ok: the database cannot be used now; see the log of the service")
	}
	return s.answer(w, http.StatusOK, health{DBStatus: "ok", APIStatus: "ok"})
}
