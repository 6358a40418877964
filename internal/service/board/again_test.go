package board

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// of is what a client of one session knows of its nodes, by name.
func (r *reader) of() map[string]bos.NodeState {
	states := make(map[string]bos.NodeState)
	for _, n := range r.known.Nodes {
		states[n.ID] = n.State
	}
	return states
}

func (r room) delete(key bos.SessionKey) {
	r.t.Helper()
	if err := r.store.DeleteSession(r.ctx.Context(), key); err != nil {
		r.t.Fatal(err)
	}
}

func TestASessionOfLongAgoStaysForAsLongAsItIsWatched(t *testing.T) {
	r, all := thousand(t, 2)
	old := bos.SessionKey{Name: "s0"}
	for i := range keptComplete + 3 {
		name := fmt.Sprintf("s%d", i)
		r.session(name, "", all, false)
		for _, id := range all {
			r.change(id, happens["done"])
		}
		key, began := bos.SessionKey{Name: name}, time.Unix(1_700_000_000, 0).Add(time.Duration(i)*time.Hour)
		if _, err := r.store.MutateSession(t.Context(), key, func(s *bos.SessionRecord) error { s.Status.StartTime = bos.Time{Time: began}; return nil }); err != nil {
			t.Fatal(err)
		}
		r.end(key)
	}
	b := prompt(r.store)
	w := watch(t, b, Want{Reach: bos.WholeSite(), Session: old, Nodes: true}, "")
	for range 3 {
		w.read(t)
		if len(w.known.Sessions) != 1 || len(w.known.Nodes) != len(all) {
			t.Fatalf("it is shown with %d sessions and %d nodes", len(w.known.Sessions), len(w.known.Nodes))
		}
	}
}

func TestWhoWatchesASessionIsToldThatItIsGoneWithItsNodesAndOfTheNextOfTheName(t *testing.T) {
	r, all := thousand(t, 6)
	key := bos.SessionKey{Name: "a"}
	r.session("a", "", all[:4], false)
	b := prompt(r.store)
	want := Want{Reach: bos.WholeSite(), Session: key, Nodes: true}
	w, late := watch(t, b, want, ""), watch(t, b, want, "")
	w.read(t)
	late.read(t)
	if len(w.known.Nodes) != 4 {
		t.Fatalf("it begins with %v", w.of())
	}
	for _, id := range all[:4] {
		r.change(id, happens["away"])
	}
	r.delete(key)
	w.read(t)
	if len(w.known.Sessions) != 0 || len(w.known.Nodes) != 0 {
		t.Errorf("of a session that is gone it knows %d sessions and the nodes %v", len(w.known.Sessions), w.of())
	}
	r.session("a", "", all[3:], false)
	w.read(t)
	late.read(t) // the end and the beginning at once
	for _, r := range []*reader{w, late} {
		if len(r.known.Sessions) != 1 || len(r.known.Nodes) != 3 {
			t.Errorf("of the next one of the name it knows %d sessions and the nodes %v", len(r.known.Sessions), r.of())
		}
	}
	anew := watch(t, b, want, "")
	anew.read(t)
	if shown(anew.known) != shown(w.known) {
		t.Errorf("who follows knows\n%s\nand who comes anew\n%s", shown(w.known), shown(anew.known))
	}
}

// mute is a store that counts how often it is asked, and fails while it is told to.
type mute struct {
	Store
	fails bool
	asked int
}

func (m *mute) Changes(ctx context.Context, after int64) (bos.Changes, error) {
	m.asked++
	if m.fails {
		return bos.Changes{}, errors.New("the database is locked")
	}
	return m.Store.Changes(ctx, after)
}

func TestADatabaseThatFailsIsAskedOnceForAllWhoWatchAndNotByEach(t *testing.T) {
	r, _ := thousand(t, 2)
	store := &mute{Store: r.store}
	b := prompt(store)
	var viewers []*reader
	for range 8 {
		viewers = append(viewers, watch(t, b, Want{Reach: bos.WholeSite(), Nodes: true}, ""))
	}
	b.pace = time.Hour
	b.told = time.Time{}
	store.fails, store.asked = true, 0
	for _, v := range viewers {
		v.read(t)
	}
	if store.asked != 1 {
		t.Errorf("it was asked %d times by %d who watch", store.asked, len(viewers))
	}
	b.failing = b.failing.Add(-2 * patience)
	for _, v := range viewers {
		if _, err := v.viewer.Next(t.Context()); err == nil {
			t.Error("what is shown is old, and nobody is told")
		}
	}
	if store.asked != 1 {
		t.Errorf("it was asked %d times by %d who are told that it fails", store.asked, len(viewers))
	}
	store.fails, b.pace = false, 0
	viewers[0].read(t)
	if !b.failing.IsZero() {
		t.Error("it is well again, and that is not noticed")
	}
}

func TestWhoComesBackGoesOnWhereItWas(t *testing.T) {
	r, all := thousand(t, 20)
	b := prompt(r.store)
	want := Want{Reach: bos.WholeSite(), Nodes: true}
	first := watch(t, b, want, "")
	first.read(t)
	r.change(all[3], func(n *bos.Record) { n.EventStats.PowerOnAttempts = 7 })
	back := watch(t, b, want, first.last)
	back.known = first.known
	back.read(t)
	if back.deltas != 1 || back.resets != 0 || !strings.Contains(shown(back.known), "attempts 7") {
		t.Errorf("it got %d deltas and %d resets, and knows\n%s", back.deltas, back.resets, shown(back.known))
	}
	other := watch(t, prompt(r.store), want, first.last) // as after a restart of the service
	other.read(t)
	if other.deltas != 0 || shown(other.known) != shown(back.known) {
		t.Errorf("from another service it got %d deltas, and knows\n%s", other.deltas, shown(other.known))
	}
}
