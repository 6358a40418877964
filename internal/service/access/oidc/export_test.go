package oidc

// Settle returns once no fetch of keys is under way.
func (s *Source) Settle() {
	s.keys.mu.Lock()
	f := s.keys.flight
	s.keys.mu.Unlock()
	if f != nil {
		<-f.done
	}
}

// Waiting is how many wait for the fetch that is under way.
func (s *Source) Waiting() int {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	if s.keys.flight == nil {
		return 0
	}
	return s.keys.flight.waiting
}

// What tests go to the edge of.
const (
	RefreshGap   = refreshGap
	RefreshEvery = refreshEvery
	MaxWaiting   = maxWaiting
)

// Forget drops the tokens that are known.
func (s *Source) Forget() { s.proven.Purge() }
