//go:build unix

package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// scene is what a fault of one kind happens to.
type scene struct {
	*cluster
	servers []*postgrestest.Server
	links   []*postgrestest.Link
	clock   *steppedClock
}

// struck is what a fault was, as those who measure it need it.
type struck struct {
	// from is since when it is waited for that nodes are driven again.
	from time.Time
	// taken says that another service is to drive them.
	taken bool
	// mend ends it in the middle of the next reboot; nil is that it has ended. hold is
	// how long it is to last at least.
	mend func()
	hold time.Duration
}

// faultKind is one kind of fault, with what is wanted of the time until nodes are driven
// again.
type faultKind struct {
	name, what string
	aim        time.Duration
	start      func(t *testing.T, nodes int) *scene
	strike     func(s *scene, round int) struck
	// always says that it happens in each run of the tests; the others take their time.
	always bool
}

func faultKinds(hold time.Duration) []faultKind {
	return []faultKind{
		{"resign", "the driver is told to end", time.Second, onOne, func(s *scene, _ int) struck { return resigns(s) }, false},
		{"kill", "kill -9 of the driver", 10 * time.Second, onOne, func(s *scene, _ int) struck { return killed(s) }, true},
		{"stop", "the driver is stopped for " + hold.String(), 10 * time.Second, onOne, func(s *scene, _ int) struck { return paused(s, hold) }, false},
		{"silence", "the driver's connection is cut, and nobody told", 10 * time.Second, onLinks, func(s *scene, _ int) struck { return cutOff(s, (*postgrestest.Link).Silence) }, true},
		{"reset", "the driver's connections are reset, and refused", 10 * time.Second, onLinks, func(s *scene, _ int) struck { return cutOff(s, (*postgrestest.Link).Cut) }, false},
		{"clock", "the driver's wall clock steps", 5 * time.Second, onClock, stepped, false},
		{"restart", "the database restarts", 5 * time.Second, onOne, restart, false},
		{"failover", "the primary is lost and its standby promoted", 5 * time.Second, onTwo, failover, true},
	}
}

// TestFaultsOfServicesThatShareADatabaseResetNobodyNeedlesslyAndLoseNothing reboots nodes
// again and again, over real sockets, with three services on one PostgreSQL, and has
// something go wrong in the middle of each reboot. FAULTS_RUNS, FAULTS_NODES, FAULTS_HOLD
// (seconds) and FAULTS_ROOMS (at the same time, of each kind) make it larger;
// FAULTS_MINUTES is after what time no further one begins.
func TestFaultsOfServicesThatShareADatabaseResetNobodyNeedlesslyAndLoseNothing(t *testing.T) {
	postgrestest.Skip(t)
	runs, nodes, rooms := setting(t, "FAULTS_RUNS", 1), setting(t, "FAULTS_NODES", 24), setting(t, "FAULTS_ROOMS", 1)
	hold := time.Duration(setting(t, "FAULTS_HOLD", 9)) * time.Second
	for _, kind := range faultKinds(hold) {
		t.Run(kind.name, func(t *testing.T) {
			if !kind.always && os.Getenv("FAULTS_RUNS") == "" {
				t.Skip("make faults-shared does that")
			}
			took := make([][]handover, rooms)
			t.Run("rooms", func(t *testing.T) {
				for room := range rooms {
					t.Run(fmt.Sprint(room), func(t *testing.T) {
						t.Parallel()
						took[room] = runFaults(t, kind, nodes, (runs+room)/rooms)
					})
				}
			})
			t.Log(summary(kind, slices.Concat(took...)))
		})
	}
}

// handover is how long it took from a fault on until another service had the lease, zero
// where none was to take it, and until nodes were driven again.
type handover struct {
	taken, driven time.Duration
	// graced says that all nodes that were left had a power action that was not answered. An
	// engine that starts gives each that does not show ten seconds before it is sent again.
	graced bool
}

// runFaults reboots all nodes with one fault in each reboot, and once more where the fault
// ends in the middle of another one.
func runFaults(t *testing.T, kind faultKind, nodes, runs int) (took []handover) {
	if runs == 0 {
		return nil
	}
	s := kind.start(t, nodes)
	s.begin("boot", "boot")
	s.complete("boot")
	var some []string
	for _, n := range s.truth()[:5] {
		some = append(some, n.ID)
	}
	book := keepLedger(s.cluster, some)
	reboots := 0
	reboot := func(strike func()) {
		before := s.seen()
		reboots++
		name, moment := fmt.Sprintf("reboot-%d", reboots), 1+rand.IntN(2*nodes)
		s.begin(name, "reboot")
		s.until(name, func(now sight) bool { return now.acts >= before.acts+moment })
		strike()
		s.complete(name)
		s.rebooted(reboots)
	}
	limit := time.Duration(setting(t, "FAULTS_MINUTES", 24*60)) * time.Minute
	started, faults := time.Now(), 0
	for round := range runs {
		if time.Since(started) > limit {
			break
		}
		var did struck
		began := time.Now()
		faults++
		reboot(func() {
			before := s.seen()
			did = kind.strike(s, round)
			is, ok := s.driven(fmt.Sprintf("reboot-%d", reboots), before, did)
			if !ok {
				return
			}
			took = append(took, is)
			t.Logf("%s %d: another has the lease after %s, nodes are driven again after %s, at load %s%s",
				kind.name, round, is.taken.Round(time.Millisecond), is.driven.Round(time.Millisecond), load(), map[bool]string{true: ", all that was left unanswered"}[is.graced])
			if is.driven > kind.aim {
				s.say(did.from)
			}
		})
		if did.mend == nil {
			continue
		}
		<-time.After(time.Until(began.Add(did.hold)))
		reboot(did.mend)
		for _, service := range s.services {
			s.ready(service)
		}
	}
	needless := s.rebooted(reboots)
	book.kept()
	t.Logf("%s: %d faults in %d reboots of %d nodes: %d resets too many, %d writes acknowledged, %d of them lost and %d late, %d without an answer",
		kind.what, faults, reboots, nodes, needless, book.acked.Load(), book.lost.Load(), book.late.Load(), book.unknown.Load())
	return took
}

// driven measures until when nodes are driven again; not if there was nothing left to do.
func (s *scene) driven(session string, before sight, did struck) (is handover, ok bool) {
	if did.taken {
		at, ok := s.until(session, func(now sight) bool { return now.fence > before.fence })
		if !ok {
			return is, false
		}
		is.taken, is.graced, before = time.Since(did.from), at.ready == 0, at
	}
	_, ok = s.until(session, func(now sight) bool { return now.last > before.last })
	is.driven = time.Since(did.from)
	return is, ok
}

// say shows what the services said since a fault that took longer than it should.
func (s *scene) say(since time.Time) {
	for i, service := range s.services {
		s.t.Logf("service %d, since %s: %s", i, since.UTC().Format(time.RFC3339Nano), service.log.tail())
	}
}

// load is the load of the machine over the last minute, which times depend on.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// summary says how long it took until nodes were driven again.
func summary(kind faultKind, took []handover) string {
	if len(took) == 0 {
		return kind.name + ": nothing was left to do each time"
	}
	var taken, driven, graced []time.Duration
	for _, is := range took {
		driven = append(driven, is.driven)
		if is.graced {
			graced = append(graced, is.driven)
		}
		if is.taken > 0 {
			taken = append(taken, is.taken)
		}
	}
	slices.Sort(driven)
	slices.Sort(graced)
	text := fmt.Sprintf("%s: nodes are driven again after %s, in %d measured; aim p99 at most %s: %s",
		kind.name, percentiles(driven), len(driven), kind.aim, map[bool]string{true: "met", false: "NOT MET"}[percentile(driven, 99) <= kind.aim])
	if slices.Sort(taken); len(taken) > 0 {
		text += "; another has the lease after " + percentiles(taken)
	}
	if len(graced) > 0 {
		text += fmt.Sprintf("; in %d of them all nodes that were left had an unanswered power action, of which one that does not show is given ten seconds: %s", len(graced), percentiles(graced))
	}
	return text
}

// percentile is one of sorted times.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)].Round(time.Millisecond)
}

func percentiles(sorted []time.Duration) string {
	at := func(p int) time.Duration { return percentile(sorted, p) }
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, at most %s", at(50), at(90), at(99), at(100))
}

// aServer starts a database for one kind of fault.
func aServer(t *testing.T) *postgrestest.Server {
	t.Helper()
	server, err := postgrestest.Start(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func closes(t *testing.T, s *postgrestest.Server) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func onOne(t *testing.T, nodes int) *scene {
	server := aServer(t)
	closes(t, server)
	dsn := server.Schema(t)
	return &scene{cluster: clusterOn(t, nodes, dsn, dsn, dsn, dsn), servers: []*postgrestest.Server{server}}
}

func onLinks(t *testing.T, nodes int) *scene {
	server := aServer(t)
	closes(t, server)
	dsn := server.Schema(t)
	each, dsns := links(t, dsn, server)
	return &scene{cluster: clusterOn(t, nodes, dsn, dsns...), servers: []*postgrestest.Server{server}, links: each}
}

func resigns(s *scene) struck {
	driver := s.driver()
	from := time.Now()
	driver.signal(syscall.SIGTERM)
	return struck{from: from, taken: true, mend: func() { driver.gone(); driver.start() }}
}

func killed(s *scene) struck {
	driver := s.driver()
	from := time.Now()
	driver.kill()
	return struck{from: from, taken: true, mend: driver.start}
}

func paused(s *scene, hold time.Duration) struck {
	driver := s.driver()
	from := time.Now()
	driver.signal(syscall.SIGSTOP)
	stands(s.t, driver)
	return struck{from: from, taken: true, hold: hold, mend: func() { driver.signal(syscall.SIGCONT) }}
}

func cutOff(s *scene, cut func(*postgrestest.Link)) struck {
	link := s.links[slices.Index(s.services, s.driver())]
	from := time.Now()
	cut(link)
	return struck{from: from, taken: true, mend: link.Mend}
}

// restart ends the database in one of two ways, and starts it again.
func restart(s *scene, round int) struck {
	err := s.servers[0].Stop([]syscall.Signal{syscall.SIGINT, syscall.SIGQUIT}[round%2])
	if err == nil {
		err = s.servers[0].Run(postgrestest.Settings...)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return struck{from: time.Now()}
}

// steps are those of a wall clock, one after the other.
var steps = []time.Duration{time.Hour, -time.Hour, -5 * time.Second, 5 * time.Second, -24 * time.Hour, 24 * time.Hour, 20 * time.Second, -20 * time.Second}

func stepped(s *scene, round int) struck {
	driver := s.driver()
	from := time.Now()
	s.clock.step(s.t, slices.Index(s.services, driver), steps[round%len(steps)])
	return struck{from: from}
}

// onTwo has two servers, by turns the primary, each behind a link that all services share.
func onTwo(t *testing.T, nodes int) *scene {
	primary := aServer(t)
	dsn := primary.Schema(t)
	s := &scene{servers: []*postgrestest.Server{primary, nil}}
	for range s.servers {
		l, err := postgrestest.Connect(nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() }) // the test is over
		s.links = append(s.links, l)
	}
	t.Cleanup(func() {
		for _, server := range s.servers {
			if server != nil {
				_ = server.Close() // the test is over
			}
		}
	})
	s.links[0].Lead(primary)
	through, err := postgrestest.Through(dsn, s.links...)
	if err != nil {
		t.Fatal(err)
	}
	s.cluster = clusterOn(t, nodes, through+"&target_session_attrs=read-write", through, through, through)
	s.standby(0)
	return s
}

// standby gives the primary a standby without which it acknowledges nothing.
func (s *scene) standby(primary int) {
	s.t.Helper()
	standby, err := s.servers[primary].Standby(postgrestest.Settings...)
	if err == nil {
		s.servers[1-primary] = standby
		s.links[1-primary].Lead(standby)
		err = s.servers[primary].WaitFor(s.t.Context(), standby)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// failover loses the primary at once and promotes its standby. The one that was the primary
// is there again as a standby of nobody, until it is made anew.
func failover(s *scene, round int) struck {
	primary := round % 2
	old := s.servers[primary]
	err := old.Stop(syscall.SIGQUIT)
	if err == nil {
		err = s.servers[1-primary].Promote()
	}
	from := time.Now()
	if err == nil {
		err = old.Demote()
	}
	if err == nil {
		err = old.Run(postgrestest.Settings...)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return struck{from: from, mend: func() {
		s.links[primary].Cut()
		if err := old.Close(); err != nil {
			s.t.Fatal(err)
		}
		s.links[primary].Lead(nil)
		s.links[primary].Mend()
		s.standby(1 - primary)
	}}
}
