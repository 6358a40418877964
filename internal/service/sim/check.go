package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// checks hold a run against what must always be true.
type checks struct {
	w         *World
	sessions  []bos.SessionKey
	requests  []request
	cancelled map[bos.SessionKey]bool
	// gone are the sessions that are deleted, old those of them that were for their age,
	// anew those that clients made again under their name, deleted the components that
	// clients deleted.
	gone    map[bos.SessionKey]bool
	old     map[bos.SessionKey]bos.SessionRecord
	anew    map[bos.SessionKey]bool
	deleted map[string]bool
	// byHand are the nodes that clients armed without a session.
	byHand map[string]bool
	// discovered are the nodes that have had a record.
	discovered map[string]bool
	// left are those that are in no work and whose drain is to be ended.
	left map[string]bool
	// crashed says that the service has crashed at least once, stops counts the
	// times in which its clock stood.
	crashed bool
	stops   int
	// paused says that the site is paused, braked that anything ever was.
	paused, braked bool
	// pausedAt is since when the site is paused, and pausedFor for how long it was
	// before; pausedThen is the latter when a node was powered on.
	pausedAt   time.Time
	pausedFor  time.Duration
	pausedThen map[string]time.Duration
	// process is the one whose engine started last, at began. Of it, or of its engine, only:
	// flying are the effects under way, probing the nodes whose power is being
	// asked for, known the last reading of each node.
	process *process
	began   time.Time
	flying  map[string]bos.EffectKind
	probing map[string]bool
	known   map[string]bos.PowerReading
	// Since a node was last armed, at the time in armedAt: resets counts the
	// power-ons that reached its BMC, allowed is the largest limit it had,
	// repeats counts those that were sent again within their attempt.
	armedAt                  map[string]time.Time
	resets, allowed, repeats map[string]int
	// attempts are the resets that each attempt has sent.
	attempts map[attempt]sends
	latest   map[string]attempt
	starts   []start
	// poweredOn is when a node was powered on last since it was armed, unheard
	// are those that have reported their boot to nobody, because the service was
	// away, acted is the last action of each node as it was committed.
	poweredOn map[string]time.Time
	unheard   map[string]bool
	acted     map[string]action
	member    map[string]bool
	// ordered is the last power action of each node that the history has and that
	// was not sent.
	ordered map[string]decide.Reason
	// orderedFor is the session for which a power action of a node was ordered last.
	orderedFor map[string]bos.SessionKey
	// begun are the sessions, by their order, that have taken nodes.
	begun map[int]bool
	// orderedLast is the one before, which stands while its action is put off.
	orderedLast map[string]decide.Reason
	// putOff says so of what was written last.
	putOff  map[string]bool
	rollout *rolloutCheck
	proof   proofCheck
	// unsettled is what clients have written and have no answer to yet.
	unsettled []*unsettled
}

// action is a power action of a record, and when it was sent last.
type action struct{ at, sent time.Time }

// attempt is one of a node, known by when it began.
type attempt struct {
	id string
	at time.Time
}

// sends are the resets of one attempt: when the first was decided on, and when the one
// that repeats it.
type sends struct {
	first, again time.Time
	count        int
	// stops are those of before the first.
	stops int
}

// start is a power-on as it reached its BMC.
type start struct {
	at      time.Time
	cabinet string
}

func newChecks(w *World) checks {
	return checks{
		w: w, proof: newProofCheck(w), rollout: &rolloutCheck{w: w}, ordered: make(map[string]decide.Reason), orderedFor: make(map[string]bos.SessionKey), begun: make(map[int]bool), orderedLast: make(map[string]decide.Reason), putOff: make(map[string]bool), cancelled: make(map[bos.SessionKey]bool), gone: make(map[bos.SessionKey]bool), old: make(map[bos.SessionKey]bos.SessionRecord), anew: make(map[bos.SessionKey]bool), deleted: make(map[string]bool), byHand: make(map[string]bool), discovered: make(map[string]bool), left: make(map[string]bool), flying: make(map[string]bos.EffectKind), probing: make(map[string]bool),
		known: make(map[string]bos.PowerReading), armedAt: make(map[string]time.Time), resets: make(map[string]int),
		allowed: make(map[string]int), repeats: make(map[string]int), attempts: make(map[attempt]sends), latest: make(map[string]attempt), poweredOn: make(map[string]time.Time), pausedThen: make(map[string]time.Duration), unheard: make(map[string]bool), member: make(map[string]bool), acted: make(map[string]action),
	}
}

// mostRetries is the largest limit that any node has during a run.
func (c *checks) mostRetries() int { return max(bos.DefaultOptions().DefaultRetryPolicy, 4) }

// stopped takes note that a process does not go on, for now or for good.
func (c *checks) stopped() {
	c.crashed = true
	c.stops++
}

// restarted takes note that a process starts an engine.
func (c *checks) restarted(p *process) {
	if c.process != p {
		clear(c.flying)
	}
	c.process, c.began = p, c.w.Now
	c.stops++
	clear(c.probing)
	clear(c.known)
	clear(c.proof.there)
	if c.w.config.Bug == BugForgetsCalls {
		p.forget()
	}
}

// asked holds a probe against those under way: what a BMC has to do is bounded by
// its nodes, each with one effect and one probe.
func (c *checks) asked(p *process, id string) {
	if p != c.process {
		return
	}
	if c.probing[id] {
		c.w.violated("%s is asked for its power while it is being asked", id)
	}
	c.probing[id] = true
}

// read takes a reading in that an engine gets, unless another has been started since.
func (c *checks) read(p *process, generation int, r bos.PowerReading) {
	if p == c.process && generation == p.engines {
		delete(c.probing, r.ID)
		c.known[r.ID] = r
	}
}

func (c *checks) armed(id string) {
	c.armedAt[id] = c.w.Now
	delete(c.resets, id)
	delete(c.allowed, id)
	delete(c.left, id)
	delete(c.repeats, id)
	delete(c.poweredOn, id)
	delete(c.unheard, id)
	c.proof.forget(id)
}

// stored is what is stored of a node, if anything is.
func (c *checks) stored(id string) (bos.Record, bool) {
	records, err := c.w.store.Components(c.w.ctx, bos.ComponentFilter{IDs: []string{id}})
	if err != nil || len(records) > 1 {
		c.w.violated("%s has %d records (%v)", id, len(records), err)
	}
	if len(records) != 1 {
		return bos.Record{}, false
	}
	return records[0], true
}

// record is what is stored of a node that has a record.
func (c *checks) record(id string) bos.Record {
	r, ok := c.stored(id)
	if !ok && !c.deleted[id] {
		c.w.violated("%s has no record", id)
	}
	return r
}

// begins holds an effect against those under way.
func (c *checks) begins(p *process, kind bos.EffectKind, ids ...string) {
	if p != c.process {
		return
	}
	for _, id := range ids {
		if flying := c.flying[id]; flying != bos.EffectNone {
			c.w.violated("%s of %s starts while %s is under way", kind, id, flying)
		}
		c.flying[id] = kind
	}
}

// sends holds a power action against who may act.
func (c *checks) sends(p *process, op bos.PowerOp, id string) {
	c.w.powerActions++
	if c.w.lease.Holder != p.holder {
		c.w.violated("%s sends %s to %s while the lease is of %s", p.holder, op, id, c.w.lease.Holder)
	}
	if p.term != c.w.lease.Fence {
		c.w.violated("%s sends %s to %s by an engine that began under lease %d, while the lease is number %d", p.holder, op, id, p.term, c.w.lease.Fence)
	}
	if told := p.stopping; !told.IsZero() && c.w.Now.After(told) {
		c.w.violated("%s sends %s to %s, %s after it was told to stop", p.holder, op, id, c.w.Now.Sub(told))
	}
	r, ok := c.stored(id)
	if (!ok || !r.Enabled) && !c.componentUnsettled(id) {
		c.w.violated("%s sends %s to %s, of which nobody wants anything any more", p.holder, op, id)
	}
	if c.w.config.Operation == bos.OperationConfigure && r.Session == c.w.awaited.Name {
		c.w.violated("%s sends %s to %s, which is to be configured and nothing else", p.holder, op, id)
	}
	// A call that was decided on before may begin, and is not made.
	if has, _, ok := c.w.room.BootParameters(id); op == bos.PowerOn && (!ok || has != r.DesiredState.BootArtifacts) && !c.componentUnsettled(id) {
		c.w.violated("power-on of %s without the boot parameters that it shall run", id)
	}
	c.unbraked(p, string(op), id)
	c.ofSession(string(op), r)
	// Each line of the history orders one, which is not taken until it is put off no more.
	// One that a client has just deleted was put off if it was when it was written last.
	putOff := r.Work.BackOff.PutOff != bos.CauseNone
	if !ok {
		putOff = c.putOff[id]
	}
	if putOff && c.ordered[id] == "" {
		c.ordered[id] = c.orderedLast[id]
	}
	if !slices.Contains(orders[op], c.ordered[id]) {
		c.w.violated("%s sends %s to %s, which the history does not order: its last order is %q", p.holder, op, id, c.ordered[id])
	}
	c.orderedLast[id] = c.ordered[id]
	delete(c.ordered, id)
}

// orders are the reasons that each power action is sent for.
var orders = map[bos.PowerOp][]decide.Reason{
	bos.PowerOn:       {decide.ReasonPowerOn, decide.ReasonPowerOnAgain},
	bos.PowerSoftOff:  {decide.ReasonPowerOff},
	bos.PowerForceOff: {decide.ReasonPowerOffForce, decide.ReasonPowerOffForceAgain},
}

// started holds a power action against what must be true when it starts.
func (c *checks) started(p *process, kind bos.EffectKind, id string) {
	if p != c.process {
		return
	}
	c.begins(p, kind, id)
	c.proof.acts(kind, id)
	on := kind == bos.EffectPowerOn
	if r := c.known[id]; r.State == bos.PowerStateUnknown {
		c.w.violated("%s of %s, whose power is not known", kind, id)
	} else if on != (r.State == bos.PowerStateOff) {
		c.w.violated("%s of %s, which was %s when it was last asked", kind, id, r.State)
	}
	r := c.record(id)
	c.patient(kind, id, r.Work.Attempt.Resent)
	limit := c.w.policy.DefaultRetryPolicy
	if r.RetryPolicy != nil {
		limit = *r.RetryPolicy
	}
	c.allowed[id] = max(c.allowed[id], limit)
	counted := map[bos.EffectKind]int{
		bos.EffectPowerOn: r.EventStats.PowerOnAttempts, bos.EffectPowerOffGraceful: r.EventStats.PowerOffGracefulAttempts,
		bos.EffectPowerOffForceful: r.EventStats.PowerOffForcefulAttempts,
	}[kind]
	c.sent(kind, id, r)
	if counted > limit {
		c.w.violated("%s of %s is attempt %d, its limit is %d", kind, id, counted, limit)
	}
}

// withheld takes back what was to be sent and was not.
func (c *checks) withheld(p *process, op bos.PowerOp, id string) {
	key, ok := c.latest[id]
	if s := c.attempts[key]; ok && p == c.process && s.count > 0 {
		if s.count--; s.count == 1 && op == bos.PowerOn && c.repeats[id] > 0 { // it may have been armed since
			c.repeats[id]--
		}
		c.attempts[key] = s
	}
}

// patient holds a power-off against the power-on before it: a node that boots is
// given its time, as it passes for the node, and one whose report nobody took is
// heard first.
func (c *checks) patient(kind bos.EffectKind, id string, again bool) {
	if kind == bos.EffectPowerOn {
		if !again {
			c.poweredOn[id], c.pausedThen[id] = c.w.Now, c.pausedFor
		}
		return
	}
	at, ok := c.poweredOn[id]
	if !ok {
		return
	}
	paused := c.pausedFor - c.pausedThen[id]
	if paused > 0 {
		paused -= c.pauseSeen()
	}
	if waited := c.w.Now.Sub(at) - paused; waited < c.w.policy.MaxBootWait {
		c.w.violated("%s of %s, which has booted for %s of %s", kind, id, waited, c.w.policy.MaxBootWait)
	}
	if c.unheard[id] {
		c.w.violated("%s of %s, whose report nobody has taken yet", kind, id)
	}
}

// sent holds a reset against the others of its attempt: the first is given time
// to show, and is then repeated once. Whether it is one of these is seen from what
// was sent, not from what the record says of it. The time is that between the decisions,
// as each may wait for its turn at its BMC.
func (c *checks) sent(kind bos.EffectKind, id string, r bos.Record) {
	key := attempt{id, r.Work.Attempt.At}
	s := c.attempts[key]
	if s.count++; s.first.IsZero() {
		s.first, s.stops = c.w.Now, c.stops
	}
	c.attempts[key], c.latest[id] = s, key
	if s.count == 1 {
		return
	}
	if s.count > 2 {
		c.w.violated("%s of %s is sent a third time in one attempt", kind, id)
		return
	}
	most := c.w.policy.MaxPowerOffWait
	switch kind {
	case bos.EffectPowerOn:
		most = c.w.policy.MaxPowerOnWait
		c.repeats[id]++
	case bos.EffectPowerOffGraceful:
		c.w.violated("%s of %s is sent again, a forced one is to follow it", kind, id)
	default:
	}
	decided := s.again
	if decided.IsZero() {
		decided = c.w.Now
	}
	if waited := decided.Sub(s.first); waited < most/2 || waited >= most && s.stops == c.stops {
		c.w.violated("%s of %s is sent again after %s of %s", kind, id, waited, most)
	}
}

func (c *checks) answered(p *process, ids ...string) {
	if p != c.process {
		return
	}
	for _, id := range ids {
		delete(c.flying, id)
	}
}

// setUp takes a setup in: from now on its nodes may be touched.
func (c *checks) setUp(s bos.SessionRecord, nodes []bos.Record, before int64) {
	c.history(bos.Commit{Components: nodes}, bos.Conflicts{}, before)
	c.rollout.begin(s)
	at := make(map[string]int, len(nodes))
	for i, n := range c.w.room.Inventory().Nodes {
		at[n.ID] = i
	}
	if s.Stage && len(nodes) > 0 {
		c.w.happened(Staged)
	}
	if len(nodes) > 0 && strings.Contains(s.Limit, "!"+nobody) {
		c.w.violated("session %s has %d nodes, though nobody knows whom its limit %q leaves out", s.Name, len(nodes), s.Limit)
	}
	for _, r := range nodes {
		c.rollout.wrote(r)
		if bos.TenantOf(s.Tenant) != "" {
			c.w.happened(TenantSession)
		}
		if bos.TenantOf(s.Tenant) != "" && at[r.ID]%2 != 0 {
			c.w.violated("session %s of tenant %s has %s, which the tenant has not", s.Name, bos.TenantOf(s.Tenant), r.ID)
		}
		if r.Held.On() {
			c.w.violated("session %s sets up %s, which is held", s.Name, r.ID)
		}
		switch {
		case !s.Stage:
			c.arm([]string{r.ID})
		case r.Enabled && r.Session == s.Name && !c.anew[s.Key()]: // else an earlier one of its name may
			c.w.violated("session %s is to stage and works on %s", s.Name, r.ID)
		default:
		}
	}
}

// arm takes note of nodes that may be touched from now on.
func (c *checks) arm(ids []string) {
	for _, id := range ids {
		c.member[id] = true
		c.armed(id)
	}
}

// forgets holds it against the time in which nodes could report that what they run is
// forgotten.
func (c *checks) forgets(r bos.Record) {
	if r.LastAction.Action != bos.ActionActualStateCleanup {
		return
	}
	least, err := bos.ParseAge(bos.DefaultOptions().ComponentActualStateTTL)
	if heard := c.w.Now.Sub(c.began); err != nil || heard < least {
		c.w.violated("what %s runs is forgotten after it could report for %s of %s (%v)", r.ID, heard, least, err)
	}
}

// committed holds a commit against the room and the history.
func (c *checks) committed(commit bos.Commit, conflicts bos.Conflicts, before int64) {
	lost := make(map[string]bool)
	for _, id := range conflicts.Components {
		lost[id] = true
	}
	c.rollout.committed(commit, lost)
	for _, r := range commit.Components {
		c.forgets(r)
		c.discovered[r.ID] = true
		if c.deleted[r.ID] && r.LastAction.Action == bos.ActionNewlyDiscovered {
			c.w.happened(ComponentDeleted)
		}
		if r.Work.Misses.Lost > 0 && !c.crashed {
			c.w.violated("%s got an attempt back although the service never stopped", r.ID)
		}
		if r.LastAction.Action == bos.ActionPoweringOn && r.LastAction.Failed && !r.Work.Cause.OfBoot() {
			delete(c.poweredOn, r.ID) // it was found to have done nothing
		}
		if lost[r.ID] || r.Enabled || r.LastAction.Action == bos.ActionNewlyDiscovered {
			continue
		}
		if r.Work.StagedBoot.Session != "" { // it may be rebooted from outside at any time
			continue
		}
		was := c.left[r.ID]
		if c.left[r.ID] = r.Work.Left.Waits(); was || c.left[r.ID] { // it was not in work before
			continue
		}
		c.ended(r)
		c.w.drains.ended(r)
	}
	for _, s := range commit.Sessions {
		if s.Status.Status == bos.SessionPending && len(s.Ahead) > 0 {
			c.w.happened(SessionQueued)
		}
		if s.Status.Status == bos.SessionComplete && !slices.Contains(conflicts.Sessions, s.Key()) {
			c.completed(s)
		}
	}
	c.history(commit, conflicts, before)
}
