package shell

import (
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

func TestAnAnswerToAnEarlierEngineIsDropped(t *testing.T) {
	b := newInbox(NewReal().Signal())
	see := func(id string) func(*engine.Inputs) {
		return func(in *engine.Inputs) { in.Readings = append(in.Readings, bos.PowerReading{ID: id}) }
	}
	first := b.begin()
	b.put(first, see("before"))
	second := b.begin()
	b.put(first, see("late"))
	b.put(second, see("a"))
	b.put(second, see("b"))
	in := engine.Inputs{Readings: []bos.PowerReading{{ID: "first"}}}
	b.take(&in)
	b.take(&in)
	var ids []string
	for _, r := range in.Readings {
		ids = append(ids, r.ID)
	}
	if want := []string{"first", "a", "b"}; !slices.Equal(ids, want) {
		t.Errorf("took %v, want %v", ids, want)
	}
}
