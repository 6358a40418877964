package sim

import (
	"context"
	"iter"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// A process is the Runtime of its shell: time is virtual, and what runs beside is a
// coroutine, so that one thing runs at a time and each run of a seed is the same.

// task is one thing that runs beside the others.
type task struct {
	of   *process
	next func() (struct{}, bool)
	stop func()
	// yield hands control back; it is false when the process was killed.
	yield func(struct{}) bool
	over  bool
}

// killed ends a task of a process that was killed where it waits.
type killed struct{}

// Wall is the wall clock of the service's machine.
func (p *process) Wall() time.Time { return p.w.wall() }

// Mono is virtual time.
func (p *process) Mono() time.Duration { return p.w.mono() }

// MonoOf is what Mono was at a virtual time.
func (*process) MonoOf(t time.Time) time.Duration { return t.Sub(Epoch) }

// Go starts a coroutine.
func (p *process) Go(f func()) {
	t := &task{of: p}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil && r != (killed{}) {
				panic(r)
			}
		}()
		t.yield = yield
		f()
	})
	p.tasks = append(p.tasks, t)
	p.post(0, t.run)
}

// run goes on with a task until it waits or ends.
func (t *task) run() {
	if t.over {
		return
	}
	before := t.of.running
	t.of.running = t
	_, more := t.next()
	t.of.running = before
	if !more {
		t.over = true
		t.of.ended++
		t.of.sweep()
	}
}

// sweep forgets tasks that are over, once there are many.
func (p *process) sweep() {
	if p.ended < 100 || p.ended < len(p.tasks)/2 {
		return
	}
	left := p.tasks[:0]
	for _, t := range p.tasks {
		if !t.over {
			left = append(left, t)
		}
	}
	clear(p.tasks[len(left):])
	p.tasks, p.ended = left, 0
}

// park hands control back until somebody runs the task again.
func (t *task) park() {
	if t.of.dead || !t.yield(struct{}{}) {
		panic(killed{})
	}
}

// sleep lets time pass for the task that runs.
func (p *process) sleep(d time.Duration) {
	t, over := p.running, false
	p.post(d, func() {
		over = true
		t.run()
	})
	for !over {
		t.park()
	}
}

// signal is a shell.Signal.
type signal struct {
	of     *process
	raised bool
	waits  *task
}

// Signal makes a signal.
func (p *process) Signal() shell.Signal {
	s := &signal{of: p}
	p.signals = append(p.signals, s)
	return s
}

// Raise wakes who waits.
func (s *signal) Raise() {
	if s.raised {
		return
	}
	s.raised = true
	s.recheck(0)
}

// recheck has who waits see whether it is over, after a while.
func (s *signal) recheck(after time.Duration) {
	if t := s.waits; t != nil {
		s.of.post(after, func() {
			if s.waits == t {
				t.run()
			}
		})
	}
}

// Wait waits.
func (s *signal) Wait(ctx context.Context, until time.Duration) {
	p := s.of
	if p.dead {
		panic(killed{})
	}
	s.waits = p.running
	if left := until - p.Mono(); !s.raised && left > 0 && left < 1<<60 {
		s.recheck(left)
	}
	for !s.raised && ctx.Err() == nil && p.Mono() < until {
		s.waits.park()
	}
	s.waits, s.raised = nil, false
}

// Cancellable is context.WithCancel; who waits sees it.
func (p *process) Cancellable(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, func() {
		cancel()
		for _, s := range p.signals {
			s.recheck(0)
		}
	}
}

// Timeout is context.WithTimeout, by virtual time.
func (p *process) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	p.post(d, cancel)
	return ctx, cancel
}

// mailbox is where answers wait for the task that takes them.
type mailbox[A any] struct {
	of      *process
	answers []A
	waits   *task
}

func (m *mailbox[A]) put(a A) {
	m.answers = append(m.answers, a)
	if t := m.waits; t != nil {
		m.waits = nil
		m.of.post(0, t.run)
	}
}

func (m *mailbox[A]) take() A {
	for len(m.answers) == 0 {
		m.waits = m.of.running
		m.waits.park()
	}
	a := m.answers[0]
	m.answers = m.answers[1:]
	return a
}
