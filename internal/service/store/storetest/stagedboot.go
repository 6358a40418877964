package storetest

import (
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// stagedBoot is that an engine that starts finds whose boot parameters are to be seen to.
func stagedBoot(t *testing.T, s bos.Store) {
	wanted := func(id string, enabled bool) bos.Record {
		r := record(id)
		r.Enabled = enabled
		r.Work.StagedBoot = bos.StagedBoot{Session: "stages", Tenant: "red", Called: true, Has: "h", Token: "t", Detail: "d"}
		return r
	}
	other := record("c")
	other.Enabled = false
	commit(t, s, bos.Commit{Components: []bos.Record{wanted("a", false), wanted("b", true), other}})
	found, err := s.Components(t.Context(), bos.ComponentFilter{StagedBoot: true})
	must(t, err)
	ids, err := s.ComponentIDs(t.Context(), bos.ComponentFilter{StagedBoot: true})
	must(t, err)
	if len(found) != 1 || found[0].Work.StagedBoot != wanted("a", false).Work.StagedBoot || !slices.Equal(ids, []string{"a"}) {
		t.Errorf("found are %q, %+v", ids, found)
	}
}
