package tables_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestOldEventsAreGivenUp(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		most int64
		age  time.Duration
		want int
	}{
		"beyond a number": {100, 1000 * time.Hour, 100},
		"after a time":    {1 << 40, 50 * time.Minute, 51},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, d database) {
				s := d.keeping(c.most, c.age)
				// One a minute, many in one commit, more than one step removes.
				var last bos.Event
				for range 3 {
					var commit bos.Commit
					for i := range 2000 {
						last = bos.Event{Time: begin.Add(time.Duration(i) * time.Minute), Kind: "k"}
						commit.Events = append(commit.Events, last)
					}
					begin = last.Time
					if _, err := s.Commit(t.Context(), commit); err != nil {
						t.Fatal(err)
					}
				}
				for range 2 {
					// As many as make it look at the oldest again, twice.
					if _, err := s.Commit(t.Context(), bos.Commit{Events: slices.Repeat([]bos.Event{last}, 100)}); err != nil {
						t.Fatal(err)
					}
				}
				list, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
				if err != nil {
					t.Fatal(err)
				}
				kept := len(list)
				if name == "after a time" {
					kept -= 200 // those of the last minute that only pushed
				}
				if kept != c.want {
					t.Errorf("%d events are kept, want %d", kept, c.want)
				}
				newest, err := s.LastEvent(t.Context())
				if err != nil || newest != list[len(list)-1].ID || newest != 6200 {
					t.Errorf("the newest event is %d, %v", newest, err)
				}
			})
		})
	}
}
