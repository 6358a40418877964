package bmc

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// accounts are the user of each BMC and its password. The zero value is that of a
// new room.
type accounts struct {
	mu       sync.Mutex
	password string // empty is Password
	// of are the passwords of BMCs that have another.
	of map[string]string
	// refused are the refused logins at a BMC, lockedUntil is when it accepts
	// some again.
	refused     map[string][]time.Time
	lockedUntil map[string]time.Time
}

// SetPassword gives all BMCs another password. Sessions that are open go on.
func (f *Face) SetPassword(password string) {
	f.accounts.mu.Lock()
	defer f.accounts.mu.Unlock()
	f.accounts.password = password
}

// SetPasswordOf gives one BMC another password.
func (f *Face) SetPasswordOf(bmc, password string) {
	f.accounts.mu.Lock()
	defer f.accounts.mu.Unlock()
	if f.accounts.of == nil {
		f.accounts.of = make(map[string]string)
	}
	f.accounts.of[bmc] = password
}

// CurrentPassword is that of all BMCs which have no other.
func (f *Face) CurrentPassword() string { return f.accounts.current("") }

func (a *accounts) current(bmc string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if own, ok := a.of[bmc]; ok {
		return own
	}
	if a.password == "" {
		return Password
	}
	return a.password
}

// accepts says whether a BMC takes a user and password, and counts it if not.
func (f *Face) accepts(bmc, user, password string, now time.Time) bool {
	right := user == User && password == f.accounts.current(bmc)
	lockout, ok := f.room.Lockout(bmc, now)
	if !ok {
		return right
	}
	a := &f.accounts
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
			f.room.LockedOut(bmc, now)
		}
	}
	return false
}

// authorized reports whether a request comes with a session or with credentials that
// the BMC takes.
func (f *Face) authorized(r *http.Request, bmc string) bool {
	now := time.Now()
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		return f.sessions.valid(bmc, token, now)
	}
	user, password, ok := r.BasicAuth()
	if !ok || f.shows(fault.NoBasic, bmc, now) {
		return false
	}
	return f.accepts(bmc, user, password, now)
}
