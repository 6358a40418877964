package api

import "net/http"

// settle tells of a write that may forbid calls, and returns when it is in force: from the
// answer of the request on, nothing that it forbids is sent to any node, whichever service
// took it. What nodes report, and sessions that are new, forbid nothing and need not wait.
func (s *server) settle(r *http.Request, c Change) error {
	if c.empty() {
		return nil
	}
	s.Changed(c)
	err := s.Settled(r.Context())
	if err == nil || r.Context().Err() != nil {
		return err
	}
	return unavailable("this is stored, but nobody knows whether the service that drives the nodes has read it, which it does within seconds while it reaches the database: %s; send the request again to be sure", err)
}

// empty reports whether nothing was written.
func (c *Change) empty() bool {
	return len(c.Components)+len(c.Records)+len(c.Sessions)+len(c.Paused) == 0 && c.SitePause == nil && !c.Options && !c.All
}
