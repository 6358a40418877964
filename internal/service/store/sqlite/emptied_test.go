package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestAHistoryThatSomebodyEmptiedKnowsHowMuchThereWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s := opened(t, path)
	for _, c := range []struct {
		remove string
		last   int64
	}{
		{"", 3},
		{"DELETE FROM events WHERE id = 3", 3},
		{"DELETE FROM events", 3},
	} {
		if c.remove == "" {
			if err := s.Note(t.Context(), bos.Event{Kind: "a"}, bos.Event{Kind: "b"}, bos.Event{Kind: "c"}); err != nil {
				t.Fatal(err)
			}
		} else if _, err := s.conn.ExecContext(t.Context(), c.remove); err != nil {
			t.Fatal(err)
		}
		if last, err := s.LastEvent(t.Context()); err != nil || last != c.last {
			t.Errorf("after %q the newest there was is %d, %v", c.remove, last, err)
		}
	}
	if err := s.Note(t.Context(), bos.Event{Kind: "d"}); err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	if err != nil || len(events) != 1 || events[0].ID != 4 {
		t.Errorf("the next one is %+v, %v", events, err)
	}
	// A copy knows it as well.
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := s.conn.ExecContext(t.Context(), "DELETE FROM events"); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), path, copied, false); err != nil {
		t.Fatal(err)
	}
	if last, err := opened(t, copied).LastEvent(t.Context()); err != nil || last != 4 {
		t.Errorf("the newest there was is %d in a copy, %v", last, err)
	}
}
