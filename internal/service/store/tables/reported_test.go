package tables_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// given gives a token a meaning, which is its kernel.
func given(t *testing.T, s *tables.Store, token, kernel string) {
	t.Helper()
	if err := s.PutHostBoots(t.Context(), []string{"x9"}, bos.BootArtifacts{Kernel: kernel}, token); err != nil {
		t.Error(err)
	}
}

// booted is what a report of a token finds that it stands for, "" if it is not known.
func booted(t *testing.T, s *tables.Store, token string) (kernel string) {
	t.Helper()
	_, err := s.MutateReported(t.Context(), []string{"x1"}, []string{token}, func(r *bos.Record, _ bool, all map[string]bos.BootArtifacts) error {
		kernel = all[token].Kernel
		r.ActualState = bos.ActualState{BSSToken: token, BootArtifacts: all[token]}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return kernel
}

// TestAReportFindsTheMeaningThatATokenHasThen, whoever gave it, and whatever this process
// found before.
func TestAReportFindsTheMeaningThatATokenHasThen(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		one, other := d.open(), d.open()
		if got := booted(t, one, "t"); got != "" {
			t.Errorf("an unknown token stands for %q", got)
		}
		for i, by := range []*tables.Store{other, one, other, other} {
			want := fmt.Sprint("k", i)
			given(t, by, "t", want)
			for range 2 {
				for _, s := range []*tables.Store{one, other} {
					if got := booted(t, s, "t"); got != want {
						t.Errorf("meaning %d is %q, want %q", i, got, want)
					}
				}
			}
		}
	})
}

// together has writes wait in this order, and be made in one transaction.
func together(t *testing.T, s *tables.Store, writes ...func()) {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.Occupied(t.Context(), entered, leave); err != nil {
			t.Error(err)
		}
	})
	<-entered
	for i, write := range writes {
		all.Go(write)
		for s.Waiting() <= i {
			runtime.Gosched()
		}
	}
	close(leave)
	all.Wait()
}

// TestAReportFindsTheMeaningThatItsOwnTransactionGives, and not what was undone in it.
func TestAReportFindsTheMeaningThatItsOwnTransactionGives(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		s := d.open()
		given(t, s, "t", "before")
		var first, second string
		together(t, s,
			func() { first = booted(t, s, "t") },
			func() { given(t, s, "t", "after") },
			func() { second = booted(t, s, "t") },
		)
		if first != "before" || second != "after" {
			t.Errorf("the token stands for %q and then for %q", first, second)
		}
		if err := s.PutHostBoots(t.Context(), []string{"x8"}, bos.BootArtifacts{Kernel: "of x8"}, "of x8"); err != nil {
			t.Fatal(err)
		}
		together(t, s,
			func() {
				called := 0
				token := func() string {
					if called++; called > 1 {
						panic("no more")
					}
					return "t"
				}
				if err := s.MutateHostBoots(t.Context(), []string{"x8", "x9"}, token, func(*bos.BootArtifacts) error { return nil }); err == nil {
					t.Error("a write that panics is made")
				}
			},
			func() { first = booted(t, s, "t") },
			func() { second = booted(t, s, "unknown") },
		)
		if first != "after" || second != "" {
			t.Errorf("behind a write that was undone the tokens stand for %q and %q", first, second)
		}
	})
}

// TestTheMeaningsOfManyTokensAreFoundAtOnce, more of them than are kept in mind.
func TestTheMeaningsOfManyTokensAreFoundAtOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		const many = 12_000
		s := d.open()
		tokens, all := make([]string, many), make(map[string]bos.BootArtifacts, many)
		for i := range tokens {
			tokens[i] = fmt.Sprint("t", i)
			if i%2 == 0 {
				all[tokens[i]] = bos.BootArtifacts{Kernel: fmt.Sprint("k", i%7)}
			}
		}
		if _, err := s.Commit(t.Context(), bos.Commit{Tokens: all, Fence: bos.NoFence}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err := s.MutateReported(t.Context(), []string{"x1"}, tokens, func(_ *bos.Record, _ bool, booted map[string]bos.BootArtifacts) error {
				if len(booted) != len(all) {
					t.Errorf("%d tokens are known, want %d", len(booted), len(all))
				}
				for token, a := range all {
					if booted[token] != a {
						t.Errorf("token %s stands for %+v, want %+v", token, booted[token], a)
						break
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
