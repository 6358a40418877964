package provider

import (
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestWhoWorksOnOneRecordDoesSoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	all := newTurns()
	tenant, one, other := types.StringNull(), types.StringValue("one"), types.StringValue("other")
	// Another record is worked on at the same time: this would wait for ever else.
	first := all.take(tenant, one)
	all.take(tenant, other)()
	all.take(types.StringValue("red"), one)()
	first()

	var together sync.WaitGroup
	found, created := 0, 0 // without the turn this is a data race, which tests look for
	for range 50 {
		together.Go(func() {
			defer all.take(tenant, one)()
			found++
			if found%2 == 1 {
				created++
			}
		})
	}
	together.Wait()
	if found != 50 || created != 25 || len(all.held) != 0 {
		t.Errorf("%d found, %d created, %d turns are left", found, created, len(all.held))
	}
}
