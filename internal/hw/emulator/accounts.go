package emulator

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// accounts are the user of each BMC and its password. The zero value is that of a
// new room.
type accounts struct {
	mu       sync.Mutex
	password string // empty is bmcPassword
	// of are the passwords of BMCs that have another.
	of map[string]string
	// refused are the refused logins at a BMC, lockedUntil is when it accepts
	// some again.
	refused     map[string][]time.Time
	lockedUntil map[string]time.Time
}

// SetPassword gives all BMCs another password. Sessions that are open go on.
func (s *Server) SetPassword(password string) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	s.accounts.password = password
}

// SetPasswordOf gives one BMC another password.
func (s *Server) SetPasswordOf(bmc, password string) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	if s.accounts.of == nil {
		s.accounts.of = make(map[string]string)
	}
	s.accounts.of[bmc] = password
}

func (a *accounts) current(bmc string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if own, ok := a.of[bmc]; ok {
		return own
	}
	if a.password == "" {
		return bmcPassword
	}
	return a.password
}

// accepts says whether a BMC takes a user and password, and counts it if not.
func (s *Server) accepts(bmc, user, password string, now time.Time) bool {
	right := user == bmcUser && password == s.accounts.current(bmc)
	lockout := s.room.lockout(bmc, now)
	if lockout == nil {
		return right
	}
	a := &s.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	locked := now.Before(a.lockedUntil[bmc])
	if right && !locked {
		delete(a.refused, bmc)
		return true
	}
	if a.refused == nil {
		a.refused, a.lockedUntil = make(map[string][]time.Time), make(map[string]time.Time)
	}
	recent := slices.DeleteFunc(a.refused[bmc], func(at time.Time) bool { return now.Sub(at) > lockout.Delay })
	a.refused[bmc] = append(recent, now)
	if locked || len(a.refused[bmc]) >= lockout.Tries {
		a.lockedUntil[bmc] = now.Add(lockout.Delay)
		if !locked {
			s.room.count(lockout, bmc)
		}
	}
	return false
}

// lockout is the rule by which a BMC locks its account; nil is none.
func (r *Room) lockout(bmc string, now time.Time) *rule {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inForce(FaultLockout, bmc, now)
}

// count notes that a rule has hit.
func (r *Room) count(one *rule, target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one.hits[target]++
}

// authorized reports whether a request comes with a session or with credentials that
// the BMC takes.
func (s *Server) authorized(r *http.Request, bmc string) bool {
	now := time.Now()
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		return s.sessions.valid(bmc, token, now)
	}
	user, password, ok := r.BasicAuth()
	if !ok || s.room.shows(FaultNoBasic, bmc, now) {
		return false
	}
	return s.accepts(bmc, user, password, now)
}
