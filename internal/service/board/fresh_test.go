package board

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// never is a board that nobody is told by before an hour has passed.
func never(store Store) *Board {
	b := New(Config{Store: store})
	b.pace, b.apart = time.Hour, 0
	return b
}

func brake(on bool) (b bos.Brake) {
	if on {
		b = bos.Brake{Reason: "a test", Since: time.Unix(1_700_000_000, 0)}
	}
	return b
}

func TestWhoComesIsShownWhatWasAcknowledgedBeforeAndNotWhatTheLastLookFound(t *testing.T) {
	r, all := thousand(t, 4)
	r.session("a", "", all, false)
	b := never(r.store)
	want := Want{Reach: bos.WholeSite(), Nodes: true}
	watch(t, b, want, "").read(t)
	for i, held := range []bool{true, false, true} {
		r.change(all[0], func(n *bos.Record) { n.Held = brake(held) })
		w := watch(t, b, want, "")
		w.read(t)
		text, tag := w.viewer.Snapshot()
		var snapshot bos.StreamSnapshot
		if err := json.Unmarshal(text, &snapshot); err != nil {
			t.Fatal(err)
		}
		if w.known.Nodes[0].Held != held || (snapshot.Nodes.Held[0] == 1) != held {
			t.Errorf("change %d: it is held: %t; the stream begins with %t, the snapshot with %d", i, held, w.known.Nodes[0].Held, snapshot.Nodes.Held[0])
		}
		if _, again := w.viewer.Snapshot(); again != tag {
			t.Errorf("nothing has changed, and the tag is %s after %s", again, tag)
		}
	}
	for _, paused := range []bool{true, false} {
		_, err := r.store.MutateSession(t.Context(), bos.SessionKey{Name: "a"}, func(s *bos.SessionRecord) error { s.Paused = brake(paused); return nil })
		if err != nil {
			t.Fatal(err)
		}
		got, known, err := b.Summary(t.Context(), bos.SessionKey{Name: "a"})
		if err != nil || !known || got.Pause.Paused != paused {
			t.Errorf("the session is paused: %t; it is told as %+v, %t, %v", paused, got.Pause, known, err)
		}
	}
}

// TestARolloutIsShownAsItIsAlsoAMomentAfterItWasAnotherOne: what takes a look at every node
// is not made for each change of one, but what somebody has done with a rollout is seen.
func TestARolloutIsShownAsItIsAlsoAMomentAfterItWasAnotherOne(t *testing.T) {
	r, all := thousand(t, 4)
	r.session("a", "", all, false)
	b := never(r.store)
	for i, is := range []*bos.RolloutProgress{
		nil,
		{Phase: bos.RolloutRunning, Held: bos.HoldPromotion},
		{Phase: bos.RolloutFailed, Detail: "a person says so"},
		{Phase: bos.RolloutRunning},
		nil,
	} {
		_, err := r.store.MutateSession(t.Context(), bos.SessionKey{Name: "a"}, func(s *bos.SessionRecord) error {
			s.Rollout = nil
			if is != nil {
				s.Rollout = &bos.RolloutState{RolloutProgress: *is}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got, known, err := b.Summary(t.Context(), bos.SessionKey{Name: "a"})
		if err != nil || !known {
			t.Fatal(known, err)
		}
		if is == nil && got.Rollout == nil {
			continue
		}
		if is == nil || got.Rollout == nil || got.Rollout.Phase != is.Phase || got.Rollout.HeldBy != is.Held {
			t.Errorf("change %d: the rollout is %+v, and shown as %+v", i, is, got.Rollout)
		}
	}
}

// halting is a store of which each look takes until the test lets it.
type halting struct {
	Store
	mu    sync.Mutex
	looks int
	wait  chan struct{}
	err   error
}

func (s *halting) Changes(ctx context.Context, after int64) (bos.Changes, error) {
	s.mu.Lock()
	s.looks++
	s.mu.Unlock()
	<-s.wait
	if s.err != nil {
		return bos.Changes{}, s.err
	}
	return bos.Changes{Newest: after}, nil
}

func (s *halting) Glimpses(context.Context, []string) ([]bos.Glimpse, error) { return nil, nil }

func (s *halting) Sessions(context.Context, bos.SessionFilter, time.Time) ([]bos.SessionRecord, error) {
	return nil, nil
}

func (s *halting) SitePause(context.Context) (bos.SitePause, error) { return bos.SitePause{}, nil }

func (s *halting) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

func TestOneLookServesAllWhoCameBeforeItBeganAndNoneWhoCameLater(t *testing.T) {
	for _, err := range []error{nil, errors.New("the database is locked")} {
		synctest.Test(t, func(t *testing.T) {
			store := &halting{wait: make(chan struct{}), err: err}
			b := New(Config{Store: store})
			var done sync.WaitGroup
			come := func(viewers int) {
				for range viewers {
					done.Go(func() {
						v, failed := b.Watch(context.Background(), Want{Reach: bos.WholeSite()}, "")
						if (failed != nil) != (err != nil) {
							t.Errorf("it is answered with %v", failed)
						}
						if failed == nil {
							v.Close()
						}
					})
				}
			}
			come(1)
			sleep(time.Millisecond) // its look has begun
			come(2000)
			sleep(time.Millisecond)
			store.wait <- struct{}{}
			sleep(2 * gap)
			if err == nil {
				store.wait <- struct{}{}
			}
			done.Wait()
			if want := map[bool]int{true: 2, false: 1}[err == nil]; store.count() != want {
				t.Errorf("the store was looked at %d times, want %d (it fails: %v)", store.count(), want, err)
			}
		})
	}
}

// sleep lets virtual time pass.
func sleep(d time.Duration) { <-time.After(d) }
