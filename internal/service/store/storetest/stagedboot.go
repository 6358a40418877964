package storetest

import (
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// stagedBoot is that an engine that starts finds whose boot parameters, or whose drain, is
// to be seen to although nobody has them in work.
func stagedBoot(t *testing.T, s bos.Store) {
	wanted := func(id string, enabled bool) bos.Record {
		r := record(id)
		r.Enabled = enabled
		r.Work.StagedBoot = bos.StagedBoot{Session: "stages", Tenant: "red", Called: true, Has: "h", Token: "t", Detail: "d"}
		return r
	}
	other, left, over := record("c"), record("d"), record("e")
	other.Enabled, left.Enabled, over.Enabled = false, false, false
	left.Work.Left = bos.Leftover{State: bos.LeftWaits, Session: "s", Tries: 2, Detail: "no answer"}
	over.Work.Left = bos.Leftover{State: bos.LeftGivenUp, Session: "s"}
	commit(t, s, bos.Commit{Components: []bos.Record{wanted("a", false), wanted("b", true), other, left, over}})
	found, err := s.Components(t.Context(), bos.ComponentFilter{Tended: true})
	must(t, err)
	ids, err := s.ComponentIDs(t.Context(), bos.ComponentFilter{Tended: true})
	must(t, err)
	if len(found) != 2 || found[0].Work.StagedBoot != wanted("a", false).Work.StagedBoot || found[1].Work.Left != left.Work.Left || !slices.Equal(ids, []string{"a", "d"}) {
		t.Errorf("found are %q, %+v", ids, found)
	}
}
