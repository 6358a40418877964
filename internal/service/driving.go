package service

import (
	"errors"
	"sync"
	"sync/atomic"
)

// driving is whether this service drives its database.
type driving struct {
	now atomic.Bool
	// follows says that another service does, for as long as it is seen to.
	follows atomic.Bool
	// runs says that the service is to drive: Run was called.
	runs  atomic.Bool
	once  sync.Once
	ready chan struct{}
}

func (d *driving) set(is bool) {
	d.now.Store(is)
	if is {
		d.once.Do(func() { close(d.ready) })
	}
}

// follow notes whether another service drives the database, which this one shares.
func (d *driving) follow(is bool) {
	d.follows.Store(is)
	if is {
		d.once.Do(func() { close(d.ready) })
	}
}

var errNotDriving = errors.New("this service does not drive its database: another one may still do so, or it is just starting or stopping")

// Driving is nil while this service carries out what is written to its database, or
// another does that shares it, and otherwise says why nobody does: from Run's taking of the
// lease to its end.
func (s *Service) Driving() error {
	if s.driving.now.Load() || s.driving.follows.Load() {
		return nil
	}
	return errNotDriving
}

// Ready is closed once the service, or another that shares its database, drives that for
// the first time.
func (s *Service) Ready() <-chan struct{} { return s.driving.ready }
