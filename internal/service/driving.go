package service

import (
	"errors"
	"sync"
	"sync/atomic"
)

// driving is whether this service drives its database.
type driving struct {
	now atomic.Bool
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

var errNotDriving = errors.New("this service does not drive its database: another one may still do so, or it is just starting or stopping")

// Driving is nil while this service carries out what is written to its database,
// and otherwise says why it does not: from Run's taking of the lease to its end.
func (s *Service) Driving() error {
	if s.driving.now.Load() {
		return nil
	}
	return errNotDriving
}

// Ready is closed once the service drives its database for the first time.
func (s *Service) Ready() <-chan struct{} { return s.driving.ready }
