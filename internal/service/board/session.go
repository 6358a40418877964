package board

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

const (
	// reloadPause is the least time between two readings of all nodes of a session, and
	// restPause that between two looks at what changes by the passing of time alone.
	reloadPause = 2 * time.Second
	restPause   = 2 * time.Second
	// foretellPause is the least time between two forecasts of a session.
	foretellPause = time.Second
	// rateWindow is how far back the rate looks.
	rateWindow = time.Minute
	// maxEarlier is how many earlier sessions say how long nodes take.
	maxEarlier = 3
	// mostPast bounds the nodes of a session that was over before of which it is read why
	// they failed, and how its rollout went; of a larger one that is told once somebody
	// wants its nodes.
	mostPast = 20_000
)

// session is how far a session is, counted as its nodes change.
type session struct {
	n   int
	rec bos.SessionRecord
	// members are its nodes; nil of one that was over when the board began, of which the
	// tally alone is kept until somebody wants its nodes.
	members map[string]member
	tally   bos.Tally
	wanted  bool
	// past is why nodes of it failed, read once with where its rollout stood, where members
	// are not there.
	past      []bos.FailureGroup
	pastAsked bool
	// stale says that what became of the nodes is to be read, and loaded when it was.
	stale  bool
	loaded time.Time

	counts  map[bos.NodeState]int
	waiting map[bos.WaitReason]int
	failed  byCause
	// moved are the nodes that changed and were not told yet.
	moved map[string]bool
	// earlier are the times that nodes of earlier sessions took.
	earlier      []time.Duration
	earlierAsked bool
	// dirty says that something of it changed since it was summed up, at summed.
	dirty  bool
	summed time.Time
	view   bos.StreamSession
	text   []byte // the view as it was told
	// foretold is when the rest of slow was worked out, which is not for every change.
	foretold time.Time
	slow     slow
}

// slow is what takes a look at every node of a session.
type slow struct {
	eta        int64
	from       string
	rate       float64
	stragglers bos.Stragglers
	rollout    *bos.StreamRollout
}

// member is what a node is to its session.
type member struct {
	bos.Glimpse
	// finished is when the session was done with it.
	finished time.Time
	// gone says that another session has it now, whatever became of it here.
	gone bool
}

func newSession(n int, rec bos.SessionRecord) *session {
	return &session{n: n, rec: rec, stale: true, dirty: true, moved: make(map[string]bool)}
}

// over reports whether nothing happens to it any more, but that others take its nodes.
func (s *session) over() bool { return s.rec.Status.Status == bos.SessionComplete }

// see takes in what is shown of one of its nodes now.
func (s *session) see(g bos.Glimpse) {
	if s.members == nil || s.rec.Stage { // whether what is staged was applied, the store knows
		s.stale, s.dirty = true, true
		if s.members == nil && g.Session != s.rec.Key() {
			s.loaded = time.Time{} // its retry is without the node at once: a number takes no pause to read
		}
		return
	}
	key := s.rec.Key()
	before, known := s.members[g.ID]
	m := before
	switch {
	case !known:
		return
	case g.Session == key && !s.pending():
		m = member{Glimpse: g}
		if g.State.Over() {
			m.finished = g.Since
		}
	default:
		m.gone, m.Wait, m.Attempts, m.Held = true, bos.WaitNone, 0, g.Held
		if !before.State.Over() {
			m.State, m.Cause, m.Since, m.finished = bos.StateLeft, bos.CauseNone, g.Since, g.Since
			s.stale = true // it may have been done in between
		}
	}
	s.set(m)
}

func (s *session) pending() bool { return s.rec.Status.Status == bos.SessionPending }

// set makes a node what it is, and counts.
func (s *session) set(m member) {
	before := s.members[m.ID]
	if before == m {
		return
	}
	s.count(before, -1)
	s.members[m.ID] = m
	s.count(m, 1)
	s.moved[m.ID], s.dirty = true, true
}

func (s *session) count(m member, by int) {
	s.counts[m.State] += by
	if m.Wait != bos.WaitNone && !m.State.Over() {
		s.waiting[m.Wait] += by
	}
	if m.State != bos.StateFailed {
		return
	}
	if by < 0 {
		delete(s.failed[m.Cause], m.ID)
		return
	}
	s.failed.add(m)
}

// refresh reads of sessions what changed, and sums them up.
func (b *Board) refresh(ctx context.Context, now time.Time) error {
	for _, s := range b.sessions {
		if s.stale && now.Sub(s.loaded) >= b.rest {
			if err := b.reload(ctx, s, now); err != nil {
				return err
			}
		}
		if !s.dirty && (s.over() || s.pending() || now.Sub(s.summed) < restPause) {
			continue
		}
		if err := b.askEarlier(ctx, s); err != nil {
			return err
		}
		view := s.summarise(now, b.Public)
		text, err := json.Marshal(&view)
		if err != nil {
			return fmt.Errorf("session %s: %w", s.rec.Name, err)
		}
		if !bytes.Equal(text, s.text) {
			s.view, s.text = view, text
			b.news.sessions[s] = true
		}
		s.dirty, s.summed = false, now
	}
	b.expire()
	return nil
}

// reload reads what became of the nodes of a session; of one that was over before, and
// whose nodes nobody wants to see, their number is enough.
func (b *Board) reload(ctx context.Context, s *session, now time.Time) error {
	key := s.rec.Key()
	if s.over() && s.members == nil && !s.wanted {
		tally, err := b.Store.SessionTally(ctx, key)
		if err != nil {
			return err
		}
		if tally.Staged == 0 { // what is staged may be applied yet, or staged anew
			for _, id := range s.tally.FailedNodes {
				delete(b.of[id], s)
			}
			s.tally = tally
			if err := b.askPast(ctx, s); err != nil {
				return err
			}
			for _, id := range tally.FailedNodes { // who takes them ends their retry
				b.join(id, s)
			}
			s.stale, s.dirty, s.loaded = false, true, now
			return nil
		}
	}
	nodes, err := b.Store.SessionNodes(ctx, key, "", bos.AllNodes)
	if err != nil {
		return err
	}
	before := s.members
	s.members = make(map[string]member, len(nodes))
	s.counts, s.waiting, s.failed = make(map[bos.NodeState]int), make(map[bos.WaitReason]int), make(byCause)
	for i := range nodes {
		m := b.memberOf(&nodes[i], key)
		s.members[m.ID] = m
		s.count(m, 1)
		if before[m.ID] != m {
			s.moved[m.ID] = true
		}
		b.join(m.ID, s)
	}
	for id := range before {
		if _, still := s.members[id]; !still {
			s.moved[id] = true
			delete(b.of[id], s)
		}
	}
	s.stale, s.dirty, s.loaded = false, true, now
	return nil
}

// askPast reads why nodes of a session failed that was over before, and how its rollout
// went: that does not change any more.
func (b *Board) askPast(ctx context.Context, s *session) error {
	t := s.tally
	if s.pastAsked || t.Failed == 0 && s.rec.Rollout == nil || t.Owned+t.Staged+t.Left > mostPast {
		return nil
	}
	nodes, err := b.Store.SessionNodes(ctx, s.rec.Key(), "", mostPast)
	if err != nil {
		return err
	}
	failed, members := make(byCause), make(map[string]member, len(nodes))
	for i := range nodes {
		m := b.memberOf(&nodes[i], s.rec.Key())
		members[m.ID] = m
		if m.State == bos.StateFailed {
			failed.add(m)
		}
	}
	s.slow = slow{}
	if s.rec.Rollout != nil {
		s.slow.rollout = rolloutOf(s.rec, members)
	}
	s.past, s.pastAsked = groupsOf(failed), true
	return nil
}

// memberOf is a node as the store tells of it: one that the session has now is as it is
// shown.
func (b *Board) memberOf(n *bos.NodeOutcome, key bos.SessionKey) member {
	row, known := b.rows[n.ID]
	if known && row.Session == key && n.Status != bos.StatusStaged {
		m := member{Glimpse: row}
		if m.Began.IsZero() {
			m.Began = n.Began.Time
		}
		if m.State.Over() {
			m.finished = cmp.Or(n.Finished.Time, row.Since)
		}
		return m
	}
	m := member{finished: n.Finished.Time, gone: n.Status != bos.StatusStaged}
	m.ID, m.Cause, m.Began, m.Since = n.ID, n.Cause, n.Began.Time, cmp.Or(n.Since.Time, n.Finished.Time)
	m.State = bos.StateOf(n.Status, n.Phase, false, true, bos.WaitNone)
	m.Held = row.Held
	return m
}

// expire forgets the oldest of the sessions that are over, beyond those that are shown.
func (b *Board) expire() {
	var over []*session
	for _, s := range b.sessions {
		if s.over() && !s.wanted {
			over = append(over, s)
		}
	}
	if len(over) <= keptComplete {
		return
	}
	slices.SortFunc(over, func(x, y *session) int {
		return cmp.Or(y.rec.Status.StartTime.Compare(x.rec.Status.StartTime.Time), cmp.Compare(y.n, x.n))
	})
	for _, s := range over[keptComplete:] {
		b.dropSession(s)
	}
}

// askEarlier reads how long nodes took in earlier sessions of the same template, once.
func (b *Board) askEarlier(ctx context.Context, s *session) error {
	if s.earlierAsked || s.over() || s.pending() || s.members == nil {
		return nil
	}
	var same []*session
	for _, o := range b.sessions {
		if o != s && o.over() && o.rec.TemplateName == s.rec.TemplateName && o.rec.Operation == s.rec.Operation &&
			bos.TenantOf(o.rec.Tenant) == bos.TenantOf(s.rec.Tenant) {
			same = append(same, o)
		}
	}
	slices.SortFunc(same, func(x, y *session) int { return y.rec.Status.StartTime.Compare(x.rec.Status.StartTime.Time) })
	for _, o := range same[:min(len(same), maxEarlier)] {
		nodes, err := b.Store.SessionNodes(ctx, o.rec.Key(), "", bos.AllNodes)
		if err != nil {
			return err
		}
		for i := range nodes {
			n := &nodes[i]
			if n.Status == bos.StatusStable && !n.Began.IsZero() && !n.Finished.IsZero() {
				s.earlier = append(s.earlier, n.Finished.Sub(n.Began.Time))
			}
		}
	}
	s.earlierAsked = true
	return nil
}

// summarise is how far the session is.
func (s *session) summarise(now time.Time, public string) bos.StreamSession {
	rec := &s.rec
	view := bos.StreamSession{
		N: s.n, Name: rec.Name, Tenant: bos.TenantOf(rec.Tenant), Operation: rec.Operation, Template: rec.TemplateName, Status: rec.Status.Status,
		Start: bos.Seconds(rec.Status.StartTime.Time), End: bos.Seconds(rec.Status.EndTime.Time),
		By: rec.Asked.By, Reason: rec.Asked.Reason, Plan: rec.Pin, Stage: rec.Stage, Pause: rec.Paused.State(), URL: bos.PageOfSession(public, rec.Key()),
	}
	if rec.Status.Error != nil {
		view.Error = *rec.Status.Error
	}
	if s.members == nil {
		view.SessionProgress, view.Rollout = tallied(rec.Session, s.tally, s.past), s.slow.rollout
		return view
	}
	view.SessionProgress = s.progress()
	if s.pending() || s.over() && s.slow.rollout == nil && rec.Rollout == nil {
		return view
	}
	if s.over() || now.Sub(s.foretold) >= foretellPause || now.Before(s.foretold) {
		s.slow, s.foretold = s.foretell(now), now
	}
	view.Rate, view.Stragglers, view.Rollout = s.slow.rate, s.slow.stragglers, s.slow.rollout
	if !rec.Paused.On() && (view.Rollout == nil || !stands(view.Rollout.HeldBy)) {
		view.ETA, view.ETAFrom = s.slow.eta, s.slow.from
	}
	return view
}

// stands reports whether a rollout starts no more nodes until somebody lets it.
func stands(h bos.RolloutHold) bool {
	return h == bos.HoldPromotion || h == bos.HoldHalted || h == bos.HoldPaused || h == bos.HoldWindow || h == bos.HoldFreeze
}

// tallied is how far a session is of which the numbers alone are known.
func tallied(s bos.Session, t bos.Tally, failures []bos.FailureGroup) bos.SessionProgress {
	if failures == nil {
		failures = []bos.FailureGroup{}
	}
	return bos.SessionProgress{
		Total: t.Owned + t.Staged + t.Left,
		Counts: countsOf(map[bos.NodeState]int{
			bos.StateDone: t.Successful, bos.StateFailed: t.Failed, bos.StateLeft: t.Gone, bos.StateStaged: t.Staged,
		}),
		Waiting: map[bos.WaitReason]int{}, Failures: failures, Retry: bos.RetryOf(s, t.FailedNodes),
	}
}

// countsOf has all states but that of nodes which no session has.
func countsOf(counts map[bos.NodeState]int) map[string]int {
	named := make(map[string]int)
	for _, state := range bos.NodeStates() {
		if state != bos.StateIdle {
			named[state.String()] = counts[state]
		}
	}
	return named
}

func (s *session) progress() bos.SessionProgress {
	p := bos.SessionProgress{Total: len(s.members), Counts: countsOf(s.counts), Waiting: make(map[bos.WaitReason]int), Failures: groupsOf(s.failed)}
	for why, n := range s.waiting {
		if n > 0 {
			p.Waiting[why] = n
		}
	}
	p.Retry = bos.RetryOf(s.rec.Session, s.retryable())
	return p
}

// foretell is when the session will be over, and who takes long.
func (s *session) foretell(now time.Time) (of slow) {
	if s.rec.Rollout != nil {
		of.rollout = rolloutOf(s.rec, s.members)
	}
	if s.over() {
		return of
	}
	work, ids, recent := s.work(now)
	f := decide.Foretell(work)
	if !f.Over.IsZero() {
		of.eta, of.from = f.Over.Round(time.Second).Unix(), string(f.From)
	}
	of.rate = rate(recent, s.rec.Status.StartTime.Time, now)
	var late []string
	for i, took := range work.Running {
		if f.Straggles(took) {
			late = append(late, ids[i])
		}
	}
	of.stragglers = bos.Stragglers{Count: len(late), Nodes: bos.Fold(late), Beyond: int64(math.Ceil(f.Beyond.Seconds()))}
	return of
}

// work is what is known of how long the nodes take; ids are those that run, recent how
// many were done lately.
func (s *session) work(now time.Time) (w decide.Durations, ids []string, recent int) {
	w.Now, w.Earlier = now, s.earlier
	for id, m := range s.members {
		if m.State == bos.StateDone && !m.finished.IsZero() && now.Sub(m.finished) < rateWindow {
			recent++
		}
		switch {
		case m.State == bos.StateDone && !m.Began.IsZero() && !m.finished.IsZero():
			w.Took = append(w.Took, m.finished.Sub(m.Began))
		case m.State.Over() || m.State == bos.StateStaged:
			continue
		case m.Began.IsZero() && m.State == bos.StatePending:
			w.Queued++
			continue
		case m.Began.IsZero():
			continue // it was begun before that was kept, or just now
		default:
			w.Running = append(w.Running, now.Sub(m.Began))
			ids = append(ids, id)
		}
		if w.First.IsZero() || m.Began.Before(w.First) {
			w.First = m.Began
		}
		if m.Began.After(w.Last) {
			w.Last = m.Began
		}
	}
	return w, ids, recent
}

// rate is how many nodes a second were done lately, to two digits.
func rate(recent int, start, now time.Time) float64 {
	window := min(rateWindow, max(now.Sub(start), time.Second))
	return math.Round(float64(recent)/window.Seconds()*100) / 100
}

// retryable are the nodes that failed and that nobody has taken since.
func (s *session) retryable() []string {
	var ids []string
	for _, nodes := range s.failed {
		for id := range nodes {
			if !s.members[id].gone {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// outcomes are the words for what became of nodes that a session is done with.
var outcomes = map[bos.NodeState]string{bos.StateDone: bos.StatusStable, bos.StateFailed: bos.StatusFailed, bos.StateLeft: bos.StatusTakenOver}

// rolloutOf is where the rollout of a session stands that has these nodes.
func rolloutOf(rec bos.SessionRecord, members map[string]member) *bos.StreamRollout {
	nodes := make([]bos.NodeOutcome, 0, len(members))
	for id, m := range members {
		n := bos.NodeOutcome{ID: id, Finished: bos.Time{Time: m.finished}}
		if m.State.Over() && m.finished.IsZero() { // of before that was kept
			n.Finished = rec.Status.StartTime
		}
		if word, over := outcomes[m.State]; over {
			n.Status = word
		}
		if m.Wait != bos.WaitNone {
			n.Wait = &bos.NodeWait{Reason: m.Wait}
		}
		nodes = append(nodes, n)
	}
	of := bos.RolloutStatusOf(rec, nodes)
	return &bos.StreamRollout{Phase: of.Phase, HeldBy: of.HeldBy, Detail: of.Detail, Batch: of.Batch, Batches: of.Batches, FailureBudget: of.FailureBudget}
}
