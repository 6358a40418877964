package board

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
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
		got := summary(t, b, "a")
		if is == nil && got.Rollout == nil {
			continue
		}
		if is == nil || got.Rollout == nil || got.Rollout.Phase != is.Phase || got.Rollout.HeldBy != is.Held {
			t.Errorf("change %d: the rollout is %+v, and shown as %+v", i, is, got.Rollout)
		}
	}
}

// TestASessionHasItsNodesAsSoonAsItIsInWork, also where it was looked at a moment before, as
// by whoever has created it.
func TestASessionHasItsNodesAsSoonAsItIsInWork(t *testing.T) {
	r, all := thousand(t, 4)
	b := never(r.store)
	r.pending("a", "", false)
	if got := summary(t, b, "a"); got.Status != bos.SessionPending || got.Total != 0 {
		t.Errorf("a session that waits is shown as %+v", got)
	}
	r.setUp("a", "", all, false)
	if got := summary(t, b, "a"); got.Status != bos.SessionRunning || got.Total != len(all) {
		t.Errorf("a session of %d nodes is shown as %s, with %d", len(all), got.Status, got.Total)
	}
}

// TestTheRetryOfASessionOfBeforeIsWithoutANodeThatAnotherHasTaken, also at once behind a look.
func TestTheRetryOfASessionOfBeforeIsWithoutANodeThatAnotherHasTaken(t *testing.T) {
	r, all := thousand(t, 3)
	r.session("a", "", all, false)
	for _, id := range all {
		r.change(id, happens["failed"])
	}
	r.end(bos.SessionKey{Name: "a"})
	b := never(r.store)
	for i, id := range all {
		if got := summary(t, b, "a"); got.Retry == nil || got.Retry.Limit != bos.Fold(all[i:]) {
			t.Errorf("after %d of its nodes were taken its retry is %+v", i, got.Retry)
		}
		r.session("of "+id, "", all[i:i+1], false)
	}
	if got := summary(t, b, "a"); got.Retry != nil || got.Counts["failed"] != len(all) {
		t.Errorf("all of its nodes were taken, and its retry is %+v, of %v", got.Retry, got.Counts)
	}
	if asked := b.sessions[bos.SessionKey{Name: "a"}]; len(b.of[all[0]]) != 1 || b.of[all[0]][asked] {
		t.Error("the numbers of a session are read again for a node that it has no part in any more")
	}
}

// TestTheRolloutOfASessionThatWasOverBeforeIsShownAsByWhoSawItsEnd: a service that has been
// started since, or another one behind the same balancer.
func TestTheRolloutOfASessionThatWasOverBeforeIsShownAsByWhoSawItsEnd(t *testing.T) {
	r, all := thousand(t, 4)
	key := bos.SessionKey{Name: "a"}
	r.session("a", "", all, false)
	then := never(r.store)
	rollout := func(detail string) {
		_, err := r.store.MutateSession(t.Context(), key, func(s *bos.SessionRecord) error {
			s.Rollout = &bos.RolloutState{RolloutProgress: bos.RolloutProgress{Phase: bos.RolloutFailed, Detail: detail}, Batches: []bos.RolloutBatch{{Name: "canary", Nodes: bos.Fold(all)}}}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rollout("one failed")
	r.change(all[0], happens["failed"])
	summary(t, then, "a")
	r.end(key)
	now := never(r.store)
	for _, detail := range []string{"", "another reason"} {
		if detail != "" {
			rollout(detail)
		}
		before, after := summary(t, then, "a").Rollout, summary(t, now, "a").Rollout
		if before == nil || len(before.Batches) != 1 || !reflect.DeepEqual(before, after) {
			t.Errorf("who saw its end shows its rollout as %+v, and who came later as %+v", before, after)
		}
	}
}

// summary is what is shown of a session now.
func summary(t *testing.T, b *Board, name string) bos.StreamSession {
	t.Helper()
	got, known, err := b.Summary(t.Context(), bos.SessionKey{Name: name})
	if err != nil || !known {
		t.Fatalf("session %s: known %t, %v", name, known, err)
	}
	return got
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
