package tables_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// The nodes of a setup are read before its turn. It arms them as they are when it has it,
// whatever was written meanwhile, and however: before its transaction, within it by another
// write, or so much that the feed goes back no further.
func TestASetupArmsNodesAsTheyAreWhenItHasItsTurn(t *testing.T) {
	reported := func(t *testing.T, s *tables.Store, id, token string) error {
		t.Helper()
		_, err := s.MutateComponents(t.Context(), []string{id}, func(r *bos.Record, _ bool) error { r.ActualState.BSSToken = token; return nil })
		return err
	}
	for name, meanwhile := range map[string]func(t *testing.T, s *tables.Store, setUp func() error) error{
		"written before its transaction": func(t *testing.T, s *tables.Store, setUp func() error) error {
			t.Helper()
			return errors.Join(reported(t, s, "n03", "late"), s.DeleteComponent(t.Context(), "n04"), reported(t, s, "n99", "new"), setUp())
		},
		"written in its transaction": func(t *testing.T, s *tables.Store, setUp func() error) error {
			t.Helper()
			entered, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 5)
			wait := func(queued int) {
				for s.Waiting() < queued {
					runtime.Gosched()
				}
			}
			go func() { done <- s.Occupied(t.Context(), entered, leave) }()
			<-entered
			for i, write := range []func() error{
				func() error { return reported(t, s, "n03", "late") }, func() error { return s.DeleteComponent(t.Context(), "n04") },
				func() error { return reported(t, s, "n99", "new") }, setUp,
			} {
				go func() { done <- write() }()
				wait(i + 1)
			}
			close(leave)
			var errs []error
			for range 5 {
				errs = append(errs, <-done)
			}
			return errors.Join(errs...)
		},
		"more than the feed remembers": func(t *testing.T, s *tables.Store, setUp func() error) error {
			t.Helper()
			return errors.Join(reported(t, s, "n03", "late"), s.DeleteComponent(t.Context(), "n04"), reported(t, s, "n99", "new"),
				s.Execute(t.Context(), "DELETE FROM changes WHERE revision < (SELECT MAX(revision) FROM changes)"), setUp())
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, d database) {
				s := d.open()
				setup := armingAll(t, s)
				read, err := s.ReadSetup(t.Context(), setup)
				if err != nil {
					t.Fatal(err)
				}
				var written []bos.Record
				err = meanwhile(t, s, func() (err error) { _, written, err = s.SetUpRead(t.Context(), setup, read); return err })
				if err != nil {
					t.Fatal(err)
				}
				stored, err := s.Components(t.Context(), bos.ComponentFilter{})
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]string{"n03": "late", "n99": "new"}
				if len(stored) != 20 || !slices.Equal(stored, written) {
					t.Fatalf("%d nodes are stored, and %d were returned otherwise", len(stored), len(written))
				}
				for _, r := range stored {
					if !r.Enabled || r.Session != "s" || r.ID == "n04" || r.ActualState.BSSToken != want[r.ID] {
						t.Errorf("%s is enabled %t, of session %q, and runs %q", r.ID, r.Enabled, r.Session, r.ActualState.BSSToken)
					}
				}
			})
		})
	}
}

// A database that fails over to a standby that was behind has lost what was read before, and
// gives its revisions out again: nothing of it is armed.
func TestASetupArmsNothingThatTheDatabaseHasLost(t *testing.T) {
	for name, since := range map[string]func(t *testing.T, s *tables.Store) error{
		"and nothing was written since": func(*testing.T, *tables.Store) error { return nil },
		"and others wrote since": func(t *testing.T, s *tables.Store) error {
			t.Helper()
			_, err := s.MutateComponents(t.Context(), []string{"n05", "n06", "n07"}, func(r *bos.Record, _ bool) error { r.Error = "other"; return nil })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, d database) {
				s := d.open()
				setup := armingAll(t, s)
				for range 3 {
					_, err := s.MutateComponents(t.Context(), []string{"n99"}, func(r *bos.Record, _ bool) error { r.ActualState.BSSToken += "t"; return nil })
					if err != nil {
						t.Fatal(err)
					}
				}
				read, err := s.ReadSetup(t.Context(), setup)
				if err != nil {
					t.Fatal(err)
				}
				// The standby had neither the node nor the last writes.
				err = errors.Join(s.Execute(t.Context(), "DELETE FROM components WHERE id = 'n99'"),
					s.Execute(t.Context(), "DELETE FROM changes WHERE revision > (SELECT MAX(revision) - 3 FROM changes)"), since(t, s))
				if err != nil {
					t.Fatal(err)
				}
				_, written, err := s.SetUpRead(t.Context(), setup, read)
				if err != nil {
					t.Fatal(err)
				}
				stored, err := s.Components(t.Context(), bos.ComponentFilter{})
				if err != nil {
					t.Fatal(err)
				}
				if len(stored) != 20 || !slices.Equal(stored, written) {
					t.Errorf("%d nodes are stored, and %d were armed", len(stored), len(written))
				}
			})
		})
	}
}

// A transaction that is made anew may have seen what was undone: nothing of it is taken for
// what is stored.
func TestASetupThatIsMadeAnewReadsItsNodesAnew(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		s := d.open()
		setup := armingAll(t, s)
		read, err := s.ReadSetup(t.Context(), setup)
		if err != nil {
			t.Fatal(err)
		}
		arm := setup.Arm
		setup.Arm = func(*bos.SessionRecord, []bos.Record) bos.Armed { panic("the first time it comes to nothing") }
		if _, _, err := s.SetUpRead(t.Context(), setup, read); err == nil {
			t.Fatal("it came to something")
		}
		_, err = s.MutateComponents(t.Context(), []string{"n07"}, func(r *bos.Record, _ bool) error { r.ActualState.BSSToken = "later"; return nil })
		if err != nil {
			t.Fatal(err)
		}
		setup.Arm = arm
		_, written, err := s.SetUpRead(t.Context(), setup, read)
		if err != nil || len(written) != 20 || written[7].ActualState.BSSToken != "later" {
			t.Errorf("%d nodes, %v", len(written), err)
		}
	})
}

// armingAll is the setup of a session of 20 nodes that are known and of one that is not.
func armingAll(t *testing.T, s *tables.Store) bos.Setup {
	t.Helper()
	nodes := []bos.SelectedNode{{ID: "n99", BootSet: "compute"}}
	var ids []string
	for i := range 20 {
		id := fmt.Sprintf("n%02d", i)
		ids, nodes = append(ids, id), append(nodes, bos.SelectedNode{ID: id, BootSet: "compute"})
	}
	if _, err := s.MutateComponents(t.Context(), ids, func(*bos.Record, bool) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateSession(t.Context(), bos.SessionRecord{Session: bos.Session{Name: "s", Status: bos.SessionStatus{Status: bos.SessionPending}}}); err != nil {
		t.Fatal(err)
	}
	planned, err := s.Session(t.Context(), bos.SessionKey{Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	return bos.Setup{Session: planned.Key(), Revision: planned.Revision, Nodes: nodes, Fence: bos.NoFence, Arm: func(s *bos.SessionRecord, nodes []bos.Record) bos.Armed {
		var armed bos.Armed
		for i := range nodes {
			nodes[i].Enabled, nodes[i].Session = true, s.Name
			armed.Nodes = append(armed.Nodes, nodes[i].ID)
		}
		s.Status.Status = bos.SessionRunning
		return armed
	}}
}
