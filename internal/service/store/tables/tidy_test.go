package tables_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// documents are those of all components.
func documents(t *testing.T, s *tables.Store) string {
	t.Helper()
	var all strings.Builder
	if err := s.ComponentDocuments(t.Context(), bos.ComponentFilter{}, func(document []byte) error { all.Write(document); return nil }); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// boot lets nodes desire a kernel that they share.
func boot(t *testing.T, s *tables.Store, kernel string, nodes ...string) {
	t.Helper()
	_, err := s.MutateComponents(t.Context(), nodes, func(r *bos.Record, _ bool) error {
		r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: kernel, KernelParameters: "p", Initrd: "i"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// kernels lists the kernels of the rows of boot artifacts.
func kernels(t *testing.T, s *tables.Store) string {
	t.Helper()
	list, err := s.Texts(t.Context(), "SELECT kernel FROM artifacts ORDER BY kernel")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

// many writes as many sets of boot artifacts as make Tidy look.
func many(t *testing.T, s *tables.Store, last string) {
	t.Helper()
	for i := range tables.TidyArtifacts {
		boot(t, s, fmt.Sprint("k", i), "m1", "m2")
	}
	boot(t, s, last, "m1", "m2")
}

func TestBootArtifactsGoWhenNothingRefersToThem(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		s := d.open()
		boot(t, s, "of a host", "x1", "x2")
		if err := s.PutHostBoots(t.Context(), []string{"x9"}, bos.BootArtifacts{Kernel: "of a host", KernelParameters: "p", Initrd: "i"}, "t"); err != nil {
			t.Fatal(err)
		}
		boot(t, s, "of two nodes", "x1", "x2", "x3")
		_, err := s.MutateComponents(t.Context(), []string{"x1"}, func(r *bos.Record, _ bool) error {
			r.ActualState.BootArtifacts, r.StagedState.BootArtifacts = r.DesiredState.BootArtifacts, r.DesiredState.BootArtifacts
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Tidy(t.Context(), bos.NoFence); err != nil {
			t.Fatal(err)
		}
		boot(t, s, "given up", "x1", "x2", "x3")
		boot(t, s, "last but one", "x2", "x3")
		many(t, s, "of m1 and m2")
		boot(t, s, "the newest", "y1", "y2")
		boot(t, s, "last but one", "x1", "y1", "y2")
		for range 2 {
			if err := s.Tidy(t.Context(), bos.NoFence); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := kernels(t, s), "last but one of a host of m1 and m2 of two nodes the newest"; got != want {
			t.Errorf("there are %q, want %q", got, want)
		}
		for id, want := range map[string]string{"x1": "last but one", "m1": "of m1 and m2"} {
			r, err := s.Components(t.Context(), bos.ComponentFilter{IDs: []string{id}})
			if err != nil || len(r) != 1 || r[0].DesiredState.BootArtifacts.Kernel != want {
				t.Errorf("%s is to boot %+v, %v", id, r, err)
			}
		}
		// What was removed may be used again.
		boot(t, s, "given up", "x1", "x2")
		if got := documents(t, s); strings.Count(got, `"kernel":"given up"`) != 2 {
			t.Errorf("the documents are %s", got)
		}
	})
}

// surveyed is a go at s that has read what the records refer to.
func surveyed(t *testing.T, s *tables.Store) tables.Tidying {
	t.Helper()
	tidy, due, err := s.Surveyed(t.Context())
	if err != nil || !due {
		t.Fatal(due, err)
	}
	return tidy
}

func TestWhatIsReferredToAgainWhileItIsLookedForIsNotRemoved(t *testing.T) {
	for name, again := range map[string]func(t *testing.T, s *tables.Store, then func()){
		"before": func(t *testing.T, s *tables.Store, then func()) {
			boot(t, s, "old", "x1", "x2")
			then()
		},
		// The writer commits what waits together.
		"in the same transaction": func(t *testing.T, s *tables.Store, then func()) {
			entered, leave, written := make(chan struct{}), make(chan struct{}), make(chan struct{})
			go func() {
				_ = s.Occupied(context.WithoutCancel(t.Context()), entered, leave)
			}()
			<-entered
			go func() {
				boot(t, s, "old", "x1", "x2")
				close(written)
			}()
			for s.Waiting() == 0 {
				runtime.Gosched() // until it waits
			}
			removed := make(chan struct{})
			go func() { then(); close(removed) }()
			for s.Waiting() == 1 {
				runtime.Gosched() // until both wait
			}
			close(leave)
			<-written
			<-removed
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, d database) {
				s := d.open()
				boot(t, s, "old", "x1", "x2")
				boot(t, s, "new", "x1", "x2")
				many(t, s, "m")
				tidy := surveyed(t, s)
				again(t, s, func() {
					if _, err := tidy.RemoveArtifacts(context.WithoutCancel(t.Context())); err != nil {
						t.Error(err)
					}
				})
				if got := kernels(t, s); got != "m new old" {
					t.Errorf("there are %q", got)
				}
			})
		})
	}
}

func TestNothingIsRemovedWhileMoreIsWrittenThanIsReadAgain(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		s := d.open()
		many(t, s, "m")
		tidy := surveyed(t, s)
		nodes := make([]string, tables.TidyChanges+1)
		for i := range nodes {
			nodes[i] = fmt.Sprint("n", i)
		}
		boot(t, s, "k5", nodes...)
		if overtaken, err := tidy.RemoveArtifacts(t.Context()); err != nil || !overtaken {
			t.Errorf("overtaken %t, %v", overtaken, err)
		}
		if got := strings.Count(kernels(t, s), "k"); got != tables.TidyArtifacts {
			t.Errorf("%d are left", got)
		}
	})
}

func TestBootArtifactsThatAnotherProcessRemovedAreWrittenAnew(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		paused, other := d.open(), d.open()
		boot(t, paused, "shared", "x1", "x2")
		boot(t, other, "something else", "x1", "x2")
		many(t, other, "m")
		if err := other.Tidy(t.Context(), bos.NoFence); err != nil {
			t.Fatal(err)
		}
		if got := kernels(t, other); got != "m something else" {
			t.Fatalf("there are %q", got)
		}
		boot(t, paused, "shared", "x1", "x2")
		if got := documents(t, d.open()); strings.Count(got, `"kernel":"shared"`) != 2 {
			t.Errorf("the documents are %s", got)
		}
	})
}

func TestAServiceThatHasLostItsLeaseRemovesNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		s := d.open()
		many(t, s, "m")
		lease, err := s.Lease(t.Context(), "first", bos.Lease{}.Clock, bos.Lease{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lease(t.Context(), "second", bos.Lease{}.Clock, lease); err != nil {
			t.Fatal(err)
		}
		if err := s.Tidy(t.Context(), lease.Fence); !errors.Is(err, bos.ErrFenced) {
			t.Errorf("it tidies with %v", err)
		}
	})
}

func TestARecordThatCannotBeReadMayReferToAnything(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		s := d.open()
		many(t, s, "m")
		if err := s.Execute(t.Context(), "UPDATE components SET document = '{\"future\":1}' WHERE id = 'm1'"); err != nil {
			t.Fatal(err)
		}
		if err := s.Tidy(t.Context(), bos.NoFence); err == nil || !strings.Contains(err.Error(), "m1") {
			t.Errorf("it is tidied with %v", err)
		}
		if got := strings.Count(kernels(t, s), "k"); got != tables.TidyArtifacts {
			t.Errorf("%d are left", got)
		}
	})
}
