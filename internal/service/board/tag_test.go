package board

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestServicesThatShowTheSameHaveTheSameTag, whichever numbers nodes and sessions have there:
// behind a balancer the next one is asked with the tag of the one before.
func TestServicesThatShowTheSameHaveTheSameTag(t *testing.T) {
	r, all := thousand(t, 4)
	wants := map[string]Want{
		"all": {Reach: bos.WholeSite(), Nodes: true}, "no nodes": {Reach: bos.WholeSite()},
		"a session": {Reach: bos.WholeSite(), Nodes: true, Session: bos.SessionKey{Name: "b"}}, "a tenant without anything": {Reach: bos.TenantReach("t", nil), Nodes: true},
	}
	r.session("b", "", all[:2], false)
	before, after := never(r.store), never(r.store)
	watch(t, before, wants["all"], "").read(t)
	r.session("a", "", all[2:], false) // which one finds as the second, and the other as the first
	tags := func(b *Board) map[string]string {
		is := make(map[string]string)
		for name, want := range wants {
			w := watch(t, b, want, "")
			w.read(t)
			_, is[name] = w.viewer.Snapshot()
		}
		return is
	}
	old := tags(before)
	for i, change := range []func(){
		func() {},
		func() { r.change(all[0], func(n *bos.Record) { n.Held = brake(true) }) },
		func() { r.change(all[0], func(n *bos.Record) { n.Held = brake(false) }) },
	} {
		change()
		one, other := tags(before), tags(after)
		for name := range wants {
			if !SameTag(one[name], other[name]) || one[name] == other[name] {
				t.Errorf("after %d changes one service has the tag %s for %s, and another %s", i, one[name], name, other[name])
			}
			held := name == "all" || name == "a session"
			if SameTag(old[name], other[name]) == (held && i == 1) {
				t.Errorf("after %d changes the tag for %s is %s, and was %s", i, name, other[name], old[name])
			}
		}
		for name, tag := range one {
			for second, of := range other {
				if name != second && SameTag(tag, of) {
					t.Errorf("%s has the tag of %s", name, second)
				}
			}
		}
	}
	if on := watch(t, before, wants["all"], tags(before)["all"]); on.viewer.lost {
		t.Error("who has a tag cannot go on from there")
	}
}
