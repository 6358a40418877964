package shell

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestOfTwoWritesOfOneComponentTheNewerIsTaken(t *testing.T) {
	record := func(id string, revision int64) Change {
		r := bos.Record{Revision: revision}
		r.ID = id
		return Change{Records: []bos.Record{r}}
	}
	c := newChanges(NewReal().Signal())
	c.add(record("a", 3))
	c.add(record("a", 2)) // committed before, told after
	got := c.take()
	if len(got.records) != 1 || got.records[0].ID != "a" || got.records[0].Revision != 3 {
		t.Errorf("took %+v", got)
	}
	if again := c.take(); len(again.records) != 0 {
		t.Errorf("took %+v again", again)
	}
}
