package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// process is one run of the service: the production shell under virtual time.
type process struct {
	w      *World
	holder string
	shell  *shell.Shell
	// driving says that it has the lease and takes what clients write.
	driving bool
	// following says that it stands by and sees another drive; term is the fence of the
	// lease that its engine began with.
	following bool
	term      int64
	// dead was killed or has ended; lost says that what it had sent is lost with it.
	dead, lost bool
	// over says that the service has ended in it.
	over bool
	// stop tells it to stop, which it was at stopping; zero if it was not.
	stop     context.CancelFunc
	stopping time.Time
	// frozen was stopped and goes on later: held is what it does then.
	frozen bool
	held   []func()
	// running is the task that runs, tasks are all, of which ended are over.
	running *task
	tasks   []*task
	ended   int
	signals []*signal
	// engines counts those that it has started.
	engines int
	// position and read are where it is in the feed, and how much had been written
	// to the store by then.
	position int64
	read     int
	// answers are the readings that the engine answeredTo got, for BugOldAnswers.
	answers    []bos.PowerReading
	answeredTo int
	// underWay are its power actions, for BugForgetsCalls.
	underWay []func()
}

// post does something for the process after a while, unless it is dead by then.
func (p *process) post(after time.Duration, do func()) {
	p.w.after(after, func() { p.do(do) })
}

func (p *process) do(do func()) {
	switch {
	case p.dead:
	case p.frozen:
		p.held = append(p.held, do)
	default:
		do()
	}
}

// send does something in the room after a while: it is on its way, whatever becomes of
// the process, unless it is lost with it.
func (p *process) send(after time.Duration, do func()) {
	p.w.after(after, func() {
		if !p.dead || !p.lost {
			do()
		}
	})
}

// verified is up to how many nodes an engine holds what it keeps against what that is
// made of, in each step.
const verified = 200

// start starts a process, if none is there.
func (w *World) start() {
	if w.away || w.enough() {
		return
	}
	if w.shared() { // those that are missing
		defer w.after(0, w.start)
	}
	w.lives++
	p := &process{w: w, holder: fmt.Sprintf("process %d", w.lives), read: -1}
	limits := w.config.Limits
	if w.config.Bug == BugNoLimits {
		limits = bos.PowerLimits{}
	}
	settings := engine.Settings{Configures: w.config.CFS, Limits: limits, NoPower: w.config.Bug == BugUnknownIsAlone, Portion: w.config.Portion, Verify: w.config.Nodes <= verified}
	settings.BootProof, settings.Proofs = w.config.Proof, w.config.Proof.Asked()
	if w.config.Bug == BugOutageForever {
		settings.MaxUnreachable = 1000 * time.Hour
	}
	ports := shell.Ports{Store: store{w.store, p}, Inventory: inventory{p}, Artifacts: w, Power: power{p}, Boot: boot{p}, Tenants: w, Proofs: proofs{p}}
	if w.config.CFS {
		ports.Configuration = configuration{p}
	}
	if d := w.config.Drains; d.Policy.On {
		ports.Workload, settings.Workload = workload{p}, d.Policy
	}
	if w.config.Drains.Health {
		ports.Health, settings.Health = healthCheck{p}, bos.HealthPolicy{On: true, Deadline: bos.DefaultHealthDeadline}
	}
	p.shell = shell.New(shell.Config{
		Ports:  ports,
		Engine: settings,
		Holder: p.holder, Runtime: p, Spoil: p.spoilInputs,
		Driving: p.drives, Shared: w.shared(), Following: func(is bool) { p.following = is },
	})
	w.current = p
	w.processes = append(w.processes, p)
	ctx, stop := p.Cancellable(context.Background())
	p.stop = stop
	p.Go(func() {
		if err := p.shell.Run(ctx); err != nil {
			w.ends(p, err)
			return
		}
		w.endsInOrder(p)
	})
}

// ends takes note of a service that ended by itself: another has its lease. Its
// process exits a moment later, so that a call that waits for its turn may yet be made.
func (w *World) ends(p *process, err error) {
	w.Endings = append(w.Endings, err)
	p.driving, p.over = false, true
	if p.engines == 0 { // it never had the lease, and nothing ends with it
		p.exits()
	} else {
		w.after(2*longestDelay, func() { p.kill(false) })
		w.check.stopped()
	}
	if w.current == p {
		w.after(restartTime, w.start)
	}
}

// tell tells a process to stop, and starts another one, at once or in a while: it waits
// for the lease that the first is to give up.
func (w *World) tell(p *process) {
	if p.dead || p.over || !p.stopping.IsZero() {
		return
	}
	p.stopping = w.Now
	w.check.stops++
	if w.check.callsUnderWay() {
		w.happened(StoppedInFlight)
	}
	p.do(p.stop)
	if w.rng.IntN(2) == 0 {
		w.after(restartTime, w.start)
		return
	}
	w.after(0, func() {
		if !p.dead && !p.over {
			w.happened(HandedOver)
		}
		w.start()
	})
}

// endsInOrder takes note of a service that was told to stop and has: nothing of it is
// left, and the next one need not wait.
func (w *World) endsInOrder(p *process) {
	p.driving, p.over = false, true
	w.check.stops++
	if w.lease.Holder == p.holder {
		w.violated("%s has stopped and keeps the lease", p.holder)
	}
	p.exits()
	if w.current == p || w.shared() {
		w.after(restartTime, w.start)
	}
}

// exits ends a process that has nothing left to do, in a moment.
func (p *process) exits() {
	p.w.after(2*longestDelay, func() {
		if !p.dead {
			p.dead = true
			p.bury()
		}
	})
}

// kill ends a process without a word.
func (p *process) kill(lost bool) {
	if p.dead {
		return
	}
	p.dead, p.driving, p.following, p.lost = true, false, false, lost
	p.w.check.stopped()
	p.w.after(0, p.bury)
}

// bury unwinds what the process was doing.
func (p *process) bury() {
	for _, t := range p.tasks {
		if !t.over {
			t.over = true
			t.stop()
		}
	}
	p.tasks, p.held = nil, nil
	p.w.processes = slices.DeleteFunc(p.w.processes, func(other *process) bool { return other == p })
}

// crash kills the service, which is started again.
func (w *World) crash(p *process, lost bool) {
	w.happened(Crash)
	p.kill(lost)
	w.after(restartTime, w.start)
}

// freeze stops a process for a while, as when its machine hangs.
func (p *process) freeze(d time.Duration) {
	if p.dead || p.frozen {
		return
	}
	p.frozen = true
	p.w.check.stopped()
	p.w.wakes(p, d)
	p.w.after(d, func() {
		p.frozen = false
		p.w.resumes(p, d)
		held := p.held
		p.held = nil
		for _, do := range held {
			p.do(do)
		}
	})
}

// pause freezes the service past its lease, while another process is started.
func (w *World) pause(p *process, d time.Duration) {
	p.freeze(d)
	w.after(restartTime, w.start)
}

// leave takes the service away for a while.
func (w *World) leave(d time.Duration) {
	w.away = true
	for _, p := range slices.Clone(w.processes) {
		p.kill(false)
	}
	w.after(d, func() {
		w.away = false
		w.start()
	})
}

// serving is the process that takes what clients write, nil if there is none, or if it
// cannot store it.
func (w *World) serving() *process {
	if w.full {
		return nil
	}
	for _, p := range w.processes {
		if p.serves() {
			return p
		}
	}
	return nil
}

// End kills what is left of a simulation.
func (w *World) End() {
	for _, p := range slices.Clone(w.processes) {
		p.dead = true
		p.bury()
	}
}
