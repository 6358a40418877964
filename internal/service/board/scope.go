package board

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// keptFrames and keptBytes bound what is kept for those who are behind: who is further
	// behind gets everything anew.
	keptFrames = 512
	keptBytes  = 2 << 20
	// snapshotAge is how old a snapshot may be that says what time it is.
	snapshotAge = 2 * time.Second
	// mostHoles is the share of numbers without a node from which on all get new ones.
	mostHoles = 8
)

// Want is what somebody watches.
type Want struct {
	// Reach bounds it. The zero value sees nothing.
	Reach bos.Reach
	// Session, if it has a name, is the only one that is watched, with its nodes.
	Session bos.SessionKey
	// Nodes says that nodes are wanted, and not sessions alone.
	Nodes bool
}

func (w Want) same(o Want) bool {
	return w.Session == o.Session && w.Nodes == o.Nodes && w.Reach.Same(o.Reach)
}

// frame is something that was told, encoded for all who are told it.
type frame struct {
	n     int64
	bytes []byte
}

// scope is what several may watch together.
type scope struct {
	want  Want
	epoch string
	// ids are nodes by their numbers, empty for one that is gone.
	ids   []string
	nums  map[string]int
	holes int
	shown map[*session]bool
	// last is the number of the newest frame.
	last     int64
	frames   []frame
	size     int
	snapshot frame
	tag      tagged
	encoded  time.Time
	viewers  int
	left     time.Time
}

// Viewer is one who watches: a position, and no queue.
type Viewer struct {
	board *Board
	scope *scope
	at    int64
	// lost says that it needs a snapshot, and reset why it is told to forget what it has.
	lost  bool
	reset string
}

// Watch begins to watch, with all that was so when it was asked for. With the id of an event that came before it goes on from there,
// if that is still known. ErrNotFound says that there is no such session.
func (b *Board) Watch(ctx context.Context, want Want, after string) (*Viewer, error) {
	unlock, err := b.upToDate(ctx, b.apart)
	if err != nil {
		return nil, err
	}
	defer unlock()
	b.tellAll(time.Now())
	if want.Session.Name != "" {
		if err := b.wantSession(ctx, want.Session); err != nil {
			return nil, err
		}
	}
	v := &Viewer{board: b, scope: b.scopeOf(want), lost: true}
	v.scope.viewers++
	if s := b.sessions[want.Session]; s != nil {
		s.wanted = true // from now on, and not from the next look on, which forgets old ones
	}
	epoch, number, _ := strings.Cut(after, ".")
	number, _, _ = strings.Cut(number, ".") // of a tag, behind which is a print
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && epoch == v.scope.epoch && v.scope.reaches(n) {
		v.at, v.lost = n, false
	}
	return v, nil
}

// Summary is how far a session is, without its nodes; not known is one that is not shown,
// or not yet.
func (b *Board) Summary(ctx context.Context, key bos.SessionKey) (of bos.StreamSession, known bool, err error) {
	unlock, err := b.upToDate(ctx, 0)
	if err != nil {
		return of, false, err
	}
	defer unlock()
	if s := b.sessions[key]; s != nil {
		return s.view, true, nil
	}
	return of, false, nil
}

// Running are the sessions that are not over, the newest first and not more than most, and
// how many there are. What is told of them is no older than what all who watch are told.
func (b *Board) Running(ctx context.Context, most int) (sessions []bos.StreamSession, all int, err error) {
	select {
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case b.mu <- struct{}{}:
	}
	defer b.mu.Unlock()
	if err := b.follow(ctx); err != nil {
		return nil, 0, err
	}
	for _, s := range b.sessions {
		if !s.over() {
			sessions = append(sessions, s.view)
		}
	}
	slices.SortFunc(sessions, func(x, y bos.StreamSession) int { return cmp.Or(cmp.Compare(y.Start, x.Start), y.N-x.N) })
	return sessions[:min(most, len(sessions))], len(sessions), nil
}

// wantSession reads the nodes of a session of which their number was enough so far.
func (b *Board) wantSession(ctx context.Context, key bos.SessionKey) error {
	s := b.sessions[key]
	if s == nil {
		rec, err := b.Store.Session(ctx, key)
		if err != nil {
			return err
		}
		b.takeSession(rec)
		s = b.sessions[key]
	}
	s.wanted = true
	if s.members != nil && !s.stale {
		return nil
	}
	s.stale, s.loaded = true, time.Time{}
	now := time.Now()
	if err := b.refresh(ctx, now); err != nil {
		return err
	}
	b.publish(now)
	return nil
}

// scopeOf is what is watched so, by others too.
func (b *Board) scopeOf(want Want) *scope {
	for _, s := range b.scopes {
		if s.want.same(want) {
			return s
		}
	}
	s := &scope{want: want}
	b.begin(s)
	b.scopes = append(b.scopes, s)
	return s
}

// begin numbers everything anew: whoever watched has to forget the numbers before.
func (b *Board) begin(s *scope) {
	b.numbers++
	s.epoch = b.boot + "-" + strconv.Itoa(b.numbers)
	s.ids, s.nums, s.holes, s.shown = nil, make(map[string]int), 0, make(map[*session]bool)
	s.frames, s.size, s.snapshot, s.tag = nil, 0, frame{}, tagged{}
	s.last++
	for _, of := range b.sessions {
		if s.shows(of) {
			s.shown[of] = true
		}
	}
	if !s.want.Nodes {
		return
	}
	if of := b.sessions[s.want.Session]; of != nil {
		for id := range of.members {
			s.ids = append(s.ids, id)
		}
	} else if s.want.Session.Name == "" {
		for id := range b.rows {
			if s.want.Reach.Has(id) {
				s.ids = append(s.ids, id)
			}
		}
	}
	slices.SortFunc(s.ids, bos.CompareXnames)
	for n, id := range s.ids {
		s.nums[id] = n
	}
}

// shows reports whether a session is within the scope.
func (s *scope) shows(of *session) bool {
	key := of.rec.Key()
	if s.want.Session.Name != "" {
		return key == s.want.Session
	}
	return s.want.Reach.Whole() || key.Tenant == s.want.Reach.Tenant() && key.Tenant != ""
}

// reaches reports whether who has seen a frame can be told what came since.
func (s *scope) reaches(n int64) bool {
	return n == s.last || n < s.last && len(s.frames) > 0 && s.frames[0].n <= n+1
}

// Next is what there is to be told since the last time, as server-sent events that nobody
// may change: nothing where nothing has changed.
func (v *Viewer) Next(ctx context.Context) ([][]byte, error) {
	b := v.board
	select {
	case b.mu <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer b.mu.Unlock()
	if err := b.follow(ctx); err != nil {
		return nil, err
	}
	s := v.scope
	if !v.lost && !s.reaches(v.at) {
		v.lost, v.reset = true, "more has changed than is kept for who is behind"
	}
	if v.lost {
		var out [][]byte
		if v.reset != "" {
			out = append(out, event(bos.StreamResetEvent, s.id(s.last), bos.StreamReset{Reason: v.reset}))
		}
		v.lost, v.reset, v.at = false, "", s.last
		return append(out, b.snapshotOf(s)), nil
	}
	var out [][]byte
	for _, f := range s.frames {
		if f.n > v.at {
			out = append(out, f.bytes)
		}
	}
	v.at = s.last
	return out, nil
}

// Close ends the watching.
func (v *Viewer) Close() {
	v.board.mu.Lock()
	defer v.board.mu.Unlock()
	v.scope.viewers--
	v.scope.left = time.Now()
}

func (s *scope) id(n int64) string { return s.epoch + "." + strconv.FormatInt(n, 10) }

// event is one server-sent event.
func event(name, id string, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil {
		// Nothing of it can fail to encode; who watches is better off without it than with half.
		text = []byte(`{}`)
	}
	return fmt.Appendf(nil, "event: %s\nid: %s\ndata: %s\n\n", name, id, text)
}

// Snapshot is everything that is watched, as the JSON of a StreamSnapshot that nobody may
// change, and a tag that is another one as soon as anything of it is (SameTag).
func (v *Viewer) Snapshot() (text []byte, tag string) {
	v.board.mu.Lock()
	defer v.board.mu.Unlock()
	_, text, _ = bytes.Cut(v.board.snapshotOf(v.scope), []byte("\ndata: "))
	return bytes.TrimSuffix(text, []byte("\n")), v.board.tagOf(v.scope)
}

// snapshotOf is everything within a scope, encoded once for all who need it now.
func (b *Board) snapshotOf(s *scope) []byte {
	if age := time.Since(s.encoded); s.snapshot.bytes == nil || s.snapshot.n != s.last || age > snapshotAge || age < 0 {
		s.encoded = time.Now()
		snapshot := b.everything(s)
		s.snapshot = frame{s.last, event(bos.StreamSnapshotEvent, s.id(s.last), &snapshot)}
	}
	return s.snapshot.bytes
}

func (b *Board) everything(s *scope) bos.StreamSnapshot {
	snapshot := bos.StreamSnapshot{At: time.Now().Unix(), Revision: b.position, Legend: legend, Pause: b.pause.State(), Sessions: []bos.StreamSession{}}
	for of := range s.shown {
		snapshot.Sessions = append(snapshot.Sessions, of.view)
	}
	slices.SortFunc(snapshot.Sessions, func(x, y bos.StreamSession) int { return cmp.Or(cmp.Compare(y.Start, x.Start), y.N-x.N) })
	if s.want.Nodes {
		nodes := newColumns(len(s.ids))
		nodes.ID = append([]string{}, s.ids...)
		for _, id := range s.ids {
			b.column(s, id, &nodes)
		}
		snapshot.Nodes = &nodes
	}
	return snapshot
}

// cell is what is shown of a node in a scope.
func (b *Board) cell(s *scope, id string) bos.Glimpse {
	if s.want.Session.Name == "" {
		return b.rows[id]
	}
	if of := b.sessions[s.want.Session]; of != nil {
		return of.members[id].Glimpse
	}
	return bos.Glimpse{}
}

func newColumns(n int) bos.StreamNodes {
	return bos.StreamNodes{
		State: make([]int, 0, n), Since: make([]int64, 0, n), Session: make([]int, 0, n), Wait: make([]int, 0, n), Cause: make([]int, 0, n),
		Attempts: make([]int, 0, n), Held: make([]int, 0, n),
	}
}

// column adds a node to the columns.
func (b *Board) column(s *scope, id string, to *bos.StreamNodes) {
	g := b.cell(s, id)
	number, held := -1, 0
	of := b.sessions[g.Session]
	if s.want.Session.Name != "" {
		of = b.sessions[s.want.Session] // whoever has the node now
	}
	if of != nil && s.shown[of] {
		number = of.n
	}
	if g.Held {
		held = 1
	}
	to.State = append(to.State, int(g.State))
	to.Since = append(to.Since, bos.Seconds(g.Since))
	to.Session = append(to.Session, number)
	to.Wait = append(to.Wait, waitCodes[g.Wait])
	to.Cause = append(to.Cause, causeCodes[g.Cause])
	to.Attempts = append(to.Attempts, g.Attempts)
	to.Held = append(to.Held, held)
}

// publish tells every scope what is new, and forgets those that nobody watches any more.
func (b *Board) publish(now time.Time) {
	b.scopes = slices.DeleteFunc(b.scopes, func(s *scope) bool { return s.viewers == 0 && now.Sub(s.left) > linger })
	for key, s := range b.sessions {
		s.wanted = b.watched(key)
	}
	if !b.news.none() || b.moved() {
		for _, s := range b.scopes {
			b.tell(s, now)
		}
	}
	for _, s := range b.sessions {
		clear(s.moved)
	}
	b.news = newNews()
}

// watched reports whether somebody watches a session by its name, or did so lately.
func (b *Board) watched(key bos.SessionKey) bool {
	return slices.ContainsFunc(b.scopes, func(o *scope) bool { return o.want.Session == key })
}

// moved reports whether a node changed for its session alone.
func (b *Board) moved() bool {
	for _, s := range b.sessions {
		if len(s.moved) > 0 {
			return true
		}
	}
	return false
}

// tell adds a frame of what is new within a scope, if anything is.
func (b *Board) tell(s *scope, now time.Time) {
	if s.holes > mostHoles && s.holes > len(s.ids)/mostHoles {
		b.begin(s)
		return
	}
	d := bos.StreamDelta{At: now.Unix(), Revision: b.position}
	if b.news.pause {
		state := b.pause.State()
		d.Pause = &state
	}
	b.tellSessions(s, &d)
	if s.want.Nodes {
		b.tellNodes(s, &d)
	}
	if d.Pause == nil && d.New == nil && d.Nodes == nil && len(d.Gone)+len(d.Sessions)+len(d.SessionsGone) == 0 {
		return
	}
	s.last++
	f := frame{s.last, event(bos.StreamDeltaEvent, s.id(s.last), &d)}
	s.frames, s.size = append(s.frames, f), s.size+len(f.bytes)
	for len(s.frames) > 1 && (len(s.frames) > keptFrames || s.size > keptBytes) {
		s.size -= len(s.frames[0].bytes)
		s.frames = slices.Delete(s.frames, 0, 1)
	}
}

func (b *Board) tellSessions(s *scope, d *bos.StreamDelta) {
	for of := range b.news.sessions {
		if s.shows(of) {
			s.shown[of] = true
			d.Sessions = append(d.Sessions, of.view)
		}
	}
	for of := range b.news.sessionsGone {
		if s.shown[of] {
			delete(s.shown, of)
			d.SessionsGone = append(d.SessionsGone, of.n)
		}
	}
	slices.SortFunc(d.Sessions, func(x, y bos.StreamSession) int { return x.N - y.N })
	slices.Sort(d.SessionsGone)
}

func (b *Board) tellNodes(s *scope, d *bos.StreamDelta) {
	for _, id := range b.changed(s) {
		n, known := s.nums[id]
		there := b.there(s, id)
		switch {
		case !there && known:
			delete(s.nums, id)
			s.ids[n] = ""
			s.holes++
			d.Gone = append(d.Gone, n)
			continue
		case !there:
			continue
		case !known:
			n = len(s.ids)
			s.ids, s.nums[id] = append(s.ids, id), n
			if d.New == nil {
				d.New = &bos.StreamNew{}
			}
			d.New.N, d.New.ID = append(d.New.N, n), append(d.New.ID, id)
		}
		if d.Nodes == nil {
			nodes := newColumns(0)
			d.Nodes = &nodes
		}
		d.Nodes.N = append(d.Nodes.N, n)
		b.column(s, id, d.Nodes)
	}
}

// changed are the nodes of a scope that may have changed, in order.
func (b *Board) changed(s *scope) []string {
	var ids []string
	if s.want.Session.Name == "" {
		for id := range b.news.nodes {
			if s.want.Reach.Has(id) {
				ids = append(ids, id)
			}
		}
		slices.SortFunc(ids, bos.CompareXnames)
		return ids
	}
	all := make(map[string]bool)
	if of := b.sessions[s.want.Session]; of != nil {
		maps.Copy(all, of.moved)
	}
	for gone := range b.news.sessionsGone {
		if gone.rec.Key() != s.want.Session {
			continue
		}
		for id := range s.nums { // none of them is of the next session of the name, unless that has it too
			all[id] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), bos.CompareXnames)
}

func (b *Board) there(s *scope, id string) (there bool) {
	if s.want.Session.Name == "" {
		_, there = b.rows[id]
	} else if of := b.sessions[s.want.Session]; of != nil {
		_, there = of.members[id]
	}
	return there
}
