// Package board keeps what people watch: how far each node and each session is. It follows
// the feed of the store, counts as things change, and encodes what it tells once for all
// who watch the same. Nothing of it is stored; it decides on nothing.
package board

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// interval is the least time between two looks at the feed for those who are told what
	// changes: what happens within it is told together.
	interval = 200 * time.Millisecond
	// gap is the least time between two looks for those who come and want to know how all
	// is now: those who come within it share the next one.
	gap = 20 * time.Millisecond
	// lookTimeout bounds one look, and patience is for how long looks may fail until those
	// who watch are told: what is shown is not what is so.
	lookTimeout = 30 * time.Second
	patience    = 10 * time.Second
	// keptComplete bounds the sessions that are shown although they are over.
	keptComplete = 20
	// linger is for how long what nobody watches is kept up for those who come back.
	linger = time.Minute
)

// Store is what a board reads.
type Store interface {
	bos.Feed
	Session(ctx context.Context, key bos.SessionKey) (bos.SessionRecord, error)
	Sessions(ctx context.Context, f bos.SessionFilter, now time.Time) ([]bos.SessionRecord, error)
	SessionTally(ctx context.Context, key bos.SessionKey) (bos.Tally, error)
	SessionNodes(ctx context.Context, key bos.SessionKey, after string, limit int) ([]bos.NodeOutcome, error)
	SitePause(ctx context.Context) (bos.SitePause, error)
}

// Config is what a board works on.
type Config struct {
	Store Store
	// Public is the address under which people reach the service, for links.
	Public string
}

// Board is what is shown. It reads nothing until somebody looks.
type Board struct {
	Config
	boot string // tells the streams of this board from those of others
	// pace is interval, rest reloadPause and apart gap, but in tests.
	pace, rest, apart time.Duration

	mu       lock
	loaded   bool
	position int64
	began    time.Time // when the last look began
	looked   time.Time // when it ended
	told     time.Time // when all were told last what had changed
	failing  time.Time // since when looks fail
	wrong    error     // how the last look failed
	rows     map[string]bos.Glimpse
	sessions map[bos.SessionKey]*session
	// of are the sessions that have a node, or had it last.
	of      map[string]map[*session]bool
	pause   bos.SitePause
	news    news
	scopes  []*scope
	numbers int
}

// lock is a mutex that who waits for it can wait for beside other things.
type lock chan struct{}

func (l lock) Lock() { l <- struct{}{} }

func (l lock) Unlock() { <-l }

// news is what changed and was not told yet.
type news struct {
	nodes        map[string]bool
	sessions     map[*session]bool
	sessionsGone map[*session]bool
	pause        bool
}

func newNews() news {
	return news{nodes: make(map[string]bool), sessions: make(map[*session]bool), sessionsGone: make(map[*session]bool)}
}

func (n news) none() bool {
	return len(n.nodes) == 0 && len(n.sessions) == 0 && len(n.sessionsGone) == 0 && !n.pause
}

// New is a board that knows nothing yet.
func New(c Config) *Board {
	return &Board{
		Config: c, boot: strconv.FormatInt(time.Now().UnixNano(), 36), pace: interval, rest: reloadPause, apart: gap, mu: make(lock, 1), rows: make(map[string]bos.Glimpse),
		sessions: make(map[bos.SessionKey]*session), of: make(map[string]map[*session]bool), news: newNews(),
	}
}

// follow takes in what changed, and tells all, unless that was done a moment ago. Who comes
// first does it for all, also where it fails: a database that does not answer would hold up
// each of those who watch behind all others.
func (b *Board) follow(ctx context.Context) error {
	now := time.Now()
	if since(b.told, now) >= b.pace && (b.wrong == nil || since(b.looked, now) >= b.pace) {
		b.look(ctx, now)
		b.tellAll(now)
	}
	return b.tooOld(time.Now())
}

// since is how long ago something was, for ever where the clock was set back.
func since(then, now time.Time) time.Duration {
	if now.Before(then) {
		return math.MaxInt64
	}
	return now.Sub(then)
}

// upToDate locks the board once it knows all that was so when it was asked: by a look that
// began after that. One look serves all who came before it began. Where the database
// does not answer that is an error, as what is known may be from before a change that
// whoever asks was told to have been made.
func (b *Board) upToDate(ctx context.Context, apart time.Duration) (unlock func(), err error) {
	asked := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case b.mu <- struct{}{}:
		}
		now := time.Now()
		early := apart - since(b.began, now)
		switch {
		case b.began.After(asked), b.wrong != nil && since(b.looked, now) < b.pace:
			// Another has looked for all who came, also where that failed.
		case early > 0:
			b.mu.Unlock()
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(early):
			}
			continue
		default:
			b.look(ctx, now)
		}
		if b.wrong != nil {
			defer b.mu.Unlock()
			return nil, b.wrong
		}
		return b.mu.Unlock, nil
	}
}

// look takes in what changed since the last look.
func (b *Board) look(ctx context.Context, now time.Time) {
	// It is done for others too: the one who asked may go meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	b.began = now
	b.wrong = b.takeIn(ctx, now)
	b.looked = time.Now() // it may have taken until its time was up
	switch {
	case b.wrong == nil:
		b.failing = time.Time{}
	case b.failing.IsZero():
		b.failing = now
	}
}

// tellAll tells all who watch what was taken in, if the look went well.
func (b *Board) tellAll(now time.Time) {
	if b.wrong == nil {
		b.publish(now)
		b.told = now
	}
}

// tooOld is how looks fail, if that has gone on for so long that what is shown may not be
// what is so.
func (b *Board) tooOld(now time.Time) error {
	if b.wrong != nil && (!b.loaded || now.Sub(b.failing) > patience) {
		return b.wrong
	}
	return nil
}

func (b *Board) takeIn(ctx context.Context, now time.Time) error {
	fed, err := b.Store.Changes(ctx, b.position)
	if err != nil {
		return err
	}
	if !b.loaded || fed.All {
		err = b.loadAll(ctx, now)
	} else {
		err = b.loadChanged(ctx, fed, now)
	}
	if err != nil {
		return err
	}
	b.loaded, b.position = true, fed.Newest
	return b.refresh(ctx, now)
}

// loadAll compares everything with what is known, as a look does that comes after a long
// time, or first.
func (b *Board) loadAll(ctx context.Context, now time.Time) error {
	glimpses, err := b.Store.Glimpses(ctx, nil)
	if err != nil {
		return err
	}
	sessions, err := b.Store.Sessions(ctx, bos.SessionFilter{Of: bos.AllTenants(), Readable: true}, now)
	if err != nil {
		return err
	}
	there := make(map[bos.SessionKey]bool, len(sessions))
	complete := 0
	for i := len(sessions) - 1; i >= 0; i-- { // the newest first
		rec := sessions[i]
		if rec.Status.Status == bos.SessionComplete {
			if complete++; complete > keptComplete && b.sessions[rec.Key()] == nil && !b.watched(rec.Key()) {
				continue
			}
		}
		there[rec.Key()] = true
		b.takeSession(rec)
	}
	for key, s := range b.sessions {
		if !there[key] {
			b.dropSession(s)
		}
	}
	known := make(map[string]bool, len(glimpses))
	for _, g := range glimpses {
		known[g.ID] = true
		b.takeGlimpse(g)
	}
	for id := range b.rows {
		if !known[id] {
			b.takeGone(id)
		}
	}
	return b.takePause(ctx)
}

func (b *Board) loadChanged(ctx context.Context, fed bos.Changes, now time.Time) error {
	for _, c := range fed.Sessions {
		rec, err := b.Store.Session(ctx, c.Key)
		switch {
		case errors.Is(err, bos.ErrNotFound):
			if s := b.sessions[c.Key]; s != nil {
				b.dropSession(s)
			}
		case err != nil:
			return err
		default:
			b.takeSession(rec)
		}
	}
	if fed.SitePause {
		if err := b.takePause(ctx); err != nil {
			return err
		}
	}
	if len(fed.Components) == 0 {
		return nil
	}
	ids := make([]string, len(fed.Components))
	for i, c := range fed.Components {
		ids[i] = c.ID
	}
	glimpses, err := b.Store.Glimpses(ctx, ids)
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(glimpses))
	for _, g := range glimpses {
		known[g.ID] = true
		b.takeGlimpse(g)
	}
	for _, id := range ids {
		if !known[id] {
			b.takeGone(id)
		}
	}
	return nil
}

func (b *Board) takePause(ctx context.Context) error {
	pause, err := b.Store.SitePause(ctx)
	if err == nil && pause != b.pause {
		b.pause, b.news.pause = pause, true
	}
	return err
}

// takeGlimpse takes over what is shown of a component.
func (b *Board) takeGlimpse(g bos.Glimpse) {
	before, known := b.rows[g.ID]
	b.rows[g.ID] = g
	before.Revision = g.Revision
	if !known || before != g {
		b.news.nodes[g.ID] = true
	}
	for s := range b.of[g.ID] {
		s.see(g)
	}
	if s := b.sessions[g.Session]; s != nil && !b.of[g.ID][s] && s.members != nil {
		s.stale, s.dirty = true, true // it may be one that a client gave to it, or one of an earlier session
	}
}

func (b *Board) takeGone(id string) {
	if _, known := b.rows[id]; !known {
		return
	}
	delete(b.rows, id)
	b.news.nodes[id] = true
	for s := range b.of[id] {
		s.see(bos.Glimpse{ID: id, Since: time.Now()})
	}
}

func (b *Board) join(id string, s *session) {
	if b.of[id] == nil {
		b.of[id] = make(map[*session]bool)
	}
	b.of[id][s] = true
}

// takeSession takes over the record of a session.
func (b *Board) takeSession(rec bos.SessionRecord) {
	s := b.sessions[rec.Key()]
	switch {
	case s == nil:
		s = newSession(b.numbers, rec)
		s.wanted = b.watched(rec.Key())
		b.numbers++
		b.sessions[rec.Key()] = s
		b.renumber(rec.Key())
	case s.rec.Revision == rec.Revision:
		return
	case s.rec.Status.StartTime != rec.Status.StartTime || s.rec.Created != rec.Created: // another one of the same name
		b.dropSession(s)
		b.takeSession(rec)
		return
	case s.rec.Status.Status != rec.Status.Status:
		// It has its nodes now, or is over, which happens once each, and is shown at once.
		s.stale, s.loaded = true, time.Time{}
	case rec.Rollout == nil:
		s.stale = true
	}
	if rec.Rollout != nil || s.rec.Rollout != nil {
		s.foretold = time.Time{} // where it stands is worked out with the forecast
		if s.members == nil {
			s.stale, s.loaded, s.pastAsked = true, time.Time{}, false // or with why nodes failed, of one that is over
		}
	}
	s.rec, s.dirty = rec, true
	b.news.sessions[s] = true
}

func (b *Board) dropSession(s *session) {
	delete(b.sessions, s.rec.Key())
	b.forgetMembers(s)
	b.renumber(s.rec.Key())
	delete(b.news.sessions, s)
	b.news.sessionsGone[s] = true
}

// renumber has the nodes told anew that name a session whose number has changed.
func (b *Board) renumber(key bos.SessionKey) {
	for id, g := range b.rows {
		if g.Session == key {
			b.news.nodes[id] = true
		}
	}
}

func (b *Board) forgetMembers(s *session) {
	for id, of := range b.of {
		if delete(of, s); len(of) == 0 {
			delete(b.of, id)
		}
	}
}
