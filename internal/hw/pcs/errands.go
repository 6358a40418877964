package pcs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// firstWatch is when a transition is first asked about, of which a node
	// does not show: before, most of what is asked is still on its way.
	firstWatch = time.Second
	// lastWatch is the longest pause between two questions about it; PCS
	// itself probes every 15 s.
	lastWatch = 15 * time.Second
	// grace is what PCS may take beyond a transition's deadline to end it.
	grace = 30 * time.Second
	// reservedRetry is the pause before another try on a node that an
	// earlier transition still holds, strangerRetry on one that is locked or
	// that somebody else holds.
	reservedRetry = 5 * time.Second
	// firstRetry and lastRetry bound the pause between two questions whether a
	// transition of ours is over whose nodes are wanted: the longer it has taken,
	// the longer it may still take.
	firstRetry = 200 * time.Millisecond
	lastRetry  = 5 * time.Second
	// transitionPatience is how long a power action waits for that before it is
	// put off: PCS probes what it works on every 15 s.
	transitionPatience = 20 * time.Second
	strangerRetry      = 30 * time.Second
)

// errands remembers the last transition of each node. It holds as much as the
// site has nodes. What it forgets with the process costs a cause, no more.
type errands struct {
	now   func() time.Time
	mu    sync.Mutex
	nodes map[string]*errand // by canonical xname
	// news is closed, and replaced, when a transition may be over or is.
	news chan struct{}
}

// errand is the last thing PCS was asked to do with a node.
type errand struct {
	op bos.PowerOp
	// of is the transition, nil before PCS took it over.
	of *transition
	// reserved is until when an earlier transition of ours may hold the node that
	// cannot be asked about.
	reserved time.Time
	// unheld says that PCS gave it up before it reserved the node for it.
	unheld bool
	// undone says that PCS gave it up; CallDone if it did not.
	undone bos.CallResult
	// over says that the node was where it leads, or that PCS gave it up.
	over bool
}

// transition is one request for many nodes.
type transition struct {
	id      string
	started time.Time
	// ends is when PCS has let go of its nodes at the latest.
	ends time.Time
	// due is when it may be asked about next; zero once it is over, and where there
	// is no id to ask by.
	due time.Time
	// done says that it is over, as PCS told: it has let go of all its nodes.
	done bool
	// wanted is when it was last asked about for nodes that it has, or since when
	// they are wanted.
	wanted time.Time
	// left counts its nodes that have not shown what was asked of them; asked says
	// that it was asked about since the last of them did.
	left  int
	asked bool
}

// begin forgets how the last errand of the nodes ended.
func (e *errands) begin(ids []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.nodes == nil {
		e.nodes = make(map[string]*errand)
	}
	for _, id := range ids {
		id = bos.CanonicalXname(id)
		fresh := &errand{}
		if last, ok := e.nodes[id]; ok {
			fresh.reserved = last.reserved
			if last.held() {
				fresh.reserved = last.of.ends
			}
		}
		e.nodes[id] = fresh
	}
}

// held reports whether PCS may keep the node for this errand: it lets go of none, also
// of one that it gave up, before the last of its transition is done.
func (n *errand) held() bool { return n.of != nil && !n.of.done && !n.unheld }

// perhaps notes that PCS may have taken the nodes over, as its answer is lost.
func (e *errands) perhaps(ids []string, deadline time.Duration) {
	until := e.now().Add(deadline + grace)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		if n := e.nodes[bos.CanonicalXname(id)]; n != nil {
			n.reserved = until
		}
	}
}

// open are the errands of nodes whose transition is not known to be over, as long as
// it may last, by node. One that cannot be asked about is none: who is refused because
// of it learns whose it is.
func (e *errands) open(ids []string) map[string]errand {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	var open map[string]errand
	for _, id := range ids {
		n := e.nodes[bos.CanonicalXname(id)]
		if n == nil || !n.held() || n.of.id == "" || !now.Before(n.of.ends) {
			continue
		}
		if open == nil {
			open = make(map[string]errand)
		}
		open[id] = *n
	}
	return open
}

// retry is when a node of the transition may be tried again.
func (t *transition) retry(now time.Time) time.Duration {
	return min(max(now.Sub(t.started)/4, firstRetry), lastRetry)
}

// retry is when the first of these nodes may be tried again.
func (e *errands) retry(ids []string) time.Duration {
	now, wait := e.now(), lastRetry
	for _, n := range e.open(ids) {
		wait = min(wait, n.of.retry(now))
	}
	return wait
}

// reservedBy is the answer for nodes that an earlier transition of ours still has.
func (e *errands) reservedBy(op bos.PowerOp, ids []string) []bos.CallResult {
	now, open := e.now(), e.open(ids)
	results := make([]bos.CallResult, 0, len(ids))
	for _, id := range ids {
		r := bos.CallResult{ID: id, Outcome: bos.CallBusy, Cause: bos.CauseTransition, RetryAfter: firstRetry}
		if n, ok := open[id]; ok {
			r.RetryAfter = n.of.retry(now)
			r.Detail = fmt.Sprintf("PCS still works on this service's earlier %s (transition %s), and keeps its nodes until the last of them is done; %s follows then", n.op, n.of.id, op)
		}
		results = append(results, r)
	}
	return results
}

// unasked are the transitions of errands that are to be asked about: those whose last
// node shows, once, and the others now and then, as some of their nodes may not be
// probed.
func (e *errands) unasked(of map[string]errand) (transitions []*transition) {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range of {
		t := n.of
		if t.wanted.IsZero() {
			t.wanted = now
		}
		if settled := t.left == 0 && !t.asked; settled || now.Sub(t.wanted) >= t.retry(now)/2 {
			t.wanted, t.asked = now, t.left == 0
			transitions = append(transitions, t)
		}
	}
	return transitions
}

// seen notes which nodes show what was asked of them.
func (e *errands) seen(ids []string, answers map[string]bos.PowerReading) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		if n := e.nodes[bos.CanonicalXname(id)]; n != nil && n.of != nil && answers[id].State != bos.PowerStateUnknown && shows(n.op, answers[id].State) {
			e.ended(n)
		}
	}
}

// ended notes that a node has shown what was asked of it, or never will.
func (e *errands) ended(n *errand) {
	if n.over {
		return
	}
	n.over = true
	if n.of.left--; n.of.left == 0 {
		e.tellNews()
	}
}

// tellNews wakes who waits for a transition. The caller has the lock.
func (e *errands) tellNews() {
	if e.news != nil {
		close(e.news)
		e.news = nil
	}
}

// nextNews is closed when the next transition may be over or is.
func (e *errands) nextNews() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.news == nil {
		e.news = make(chan struct{})
	}
	return e.news
}

// accepted notes that PCS took the nodes over. A transition without an id is
// not asked about.
func (e *errands) accepted(op bos.PowerOp, ids []string, transitionID string, deadline time.Duration) {
	now := e.now()
	t := &transition{id: transitionID, started: now, ends: now.Add(deadline + grace)}
	if t.id != "" {
		t.due = now.Add(firstWatch)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		if n := e.nodes[bos.CanonicalXname(id)]; n != nil && n.of != t {
			n.op, n.of = op, t
			t.left++
		}
	}
}

// lateness is the nodes that do not show what they were asked, and those of
// their transitions that are to be asked about now.
type lateness struct {
	nodes       map[string]bool
	transitions []*transition
}

// late finds transitions to be asked about. Each is given to one caller.
func (e *errands) late(ids []string, answers map[string]bos.PowerReading) lateness {
	now := e.now()
	var l lateness
	mine := make(map[*transition]bool)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		n := e.nodes[bos.CanonicalXname(id)]
		if n == nil || n.of == nil || n.of.due.IsZero() || n.undone.Outcome != bos.CallDone || shows(n.op, answers[id].State) {
			continue
		}
		t := n.of
		if !mine[t] {
			if now.Before(t.due) {
				continue
			}
			mine[t] = true
			t.due = now.Add(min(max(now.Sub(t.started), firstWatch), lastWatch))
			l.transitions = append(l.transitions, t)
		}
		if l.nodes == nil {
			l.nodes = make(map[string]bool)
		}
		l.nodes[id] = true
	}
	return l
}

// shows reports whether the node is where the operation leads, or where nobody
// can tell.
func shows(op bos.PowerOp, state bos.PowerState) bool {
	switch state {
	case bos.PowerStateOn, bos.PowerStatePoweringOn:
		return op == bos.PowerOn
	case bos.PowerStateOff, bos.PowerStatePoweringOff:
		return op != bos.PowerOn
	case bos.PowerStateUnknown:
		return true
	default:
		return true
	}
}

// tell adds to a reading how the last errand of its node ended.
func (e *errands) tell(r bos.PowerReading) bos.PowerReading {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := e.nodes[bos.CanonicalXname(r.ID)]; n != nil && n.undone.Outcome != bos.CallDone {
		r.Undone = n.undone
		r.Undone.ID = r.ID
	}
	return r
}

type task struct {
	Xname       string `json:"xname"`
	Status      string `json:"taskStatus"`
	Description string `json:"taskStatusDescription"`
	Error       string `json:"error"`
}

// watch asks about transitions and notes what PCS gave up. One that cannot be
// asked about now is asked about again later.
func (c *Client) watch(ctx context.Context, transitions []*transition) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, t := range transitions {
		all.Go(func() {
			q := transport.Request{Method: http.MethodGet, URL: c.url + "/transitions/" + url.PathEscape(t.id)}
			var answer struct {
				Status string `json:"transitionStatus"`
				Tasks  []task `json:"tasks"`
			}
			err := c.http.JSON(ctx, q, &answer)
			switch {
			case transport.ClassOf(err) == transport.ClassAbsent:
				c.errands.over(t, nil)
			case err != nil:
			case answer.Status == "completed", answer.Status == "aborted":
				c.errands.over(t, answer.Tasks)
			default:
				c.errands.note(t, answer.Tasks)
			}
		})
	}
}

// over notes the end of a transition.
func (e *errands) over(t *transition, tasks []task) {
	e.note(t, tasks)
	e.mu.Lock()
	defer e.mu.Unlock()
	t.due, t.done = time.Time{}, true
	e.tellNews()
}

// note takes over what PCS says of the tasks of a transition.
func (e *errands) note(t *transition, tasks []task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, task := range tasks {
		if n := e.nodes[bos.CanonicalXname(task.Xname)]; n != nil && n.of == t {
			n.undone, n.unheld = verdict(task, e.now().Before(n.reserved))
			if n.undone.Outcome != bos.CallDone {
				e.ended(n)
			}
		}
	}
}

// verdict says how a task ended, CallDone for one that works on or has worked, and
// whether PCS ended it before it had reserved the node. reserved says that an earlier
// transition of ours may still hold it.
func verdict(t task, reserved bool) (r bos.CallResult, unheld bool) {
	said := strings.ToLower(t.Description + " " + t.Error)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said, w) })
	}
	r = bos.CallResult{Outcome: bos.CallRefused, Cause: bos.CauseResetRefused, Detail: explained(t, reserved)}
	switch {
	case t.Status == "unsupported", t.Status == "un-supported":
		r.Outcome = bos.CallUnsupported
		return r, true
	case t.Status != "failed":
		return bos.CallResult{}, false
	case has("timeout waiting for transition", "failed to confirm transition"):
		// The reset is sent and PCS only stopped watching; how long a node may take
		// is decided by who asked.
		return bos.CallResult{}, false
	case has("dependent", "dependency"):
		// What failed is another component, such as its slot; this one is held.
		r.Cause, r.RetryAfter = bos.CauseLocked, strangerRetry
		if !has("reserv", "locked") {
			r.Cause = bos.CauseResetRefused
		}
		return r, false
	case has("retrieving hsm data", "error acquiring reservations", "reservation expired"):
		// HSM did not answer PCS, or does not know any more what it reserved.
		r.Outcome, r.Cause = bos.CallNotAttempted, bos.CauseUpstreamOutage
		return r, true
	case has("reserv") && reserved:
		r.Outcome, r.Cause, r.RetryAfter = bos.CallBusy, bos.CauseTransition, reservedRetry
		return r, true
	case has("reserv", "locked"):
		r.Cause, r.RetryAfter = bos.CauseLocked, strangerRetry
		return r, true
	case has("missing xname", "not found in hsm", "invalid xname", "no power control"):
		r.Cause = bos.CauseUnknownToPower
		return r, true
	case has("wrong power state"):
		return r, true
	case has("deadline exceeded", "timeout", "connection", "no such host", "no route", "unreachable", "eof", "no response from target"):
		r.Cause = bos.CauseBMCUnreachable
	}
	return r, false
}

func explained(t task, reserved bool) string {
	text := transport.Said(t.Error)
	if text == "" {
		text = transport.Said(t.Description)
	}
	if text == "" {
		text = "no reason"
	}
	end := "read PCS's log"
	switch all := strings.ToLower(t.Description + " " + text); {
	case strings.Contains(all, "error acquiring reservations"):
		end = "PCS could not reserve it in HSM; check HSM, and PCS's access to it"
	case strings.Contains(all, "reservation expired"):
		end = "HSM does not know the reservation of PCS any more, so PCS sent nothing; it is tried again"
	case !strings.Contains(all, "reserv"):
	case reserved:
		end = "PCS has not let go of it after this service's earlier power action, which passes"
	default:
		end = "the node is locked or reserved in HSM: unlock it, or wait for who works on it"
	}
	return fmt.Sprintf("PCS gave the power action up: %s; %s", text, end)
}
