package tables_test

import (
	"fmt"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

func TestOldTokensThatNobodyRunsAreGivenUp(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		s := d.open()
		written := func(tokens ...string) {
			t.Helper()
			for _, token := range tokens {
				commit := bos.Commit{Tokens: map[string]bos.BootArtifacts{token: {Kernel: token}}, Fence: bos.NoFence}
				if _, err := s.Commit(t.Context(), commit); err != nil {
					t.Fatal(err)
				}
			}
		}
		// numbered makes the next token that is written the one of a number.
		numbered := func(next int64) {
			t.Helper()
			if err := s.Execute(t.Context(), "INSERT INTO tokens (id, token, artifacts) VALUES (?, ?, 1)", next-1, fmt.Sprint(next)); err != nil {
				t.Fatal(err)
			}
			if d.number == "" {
				return
			}
			if err := s.Execute(t.Context(), d.number); err != nil {
				t.Fatal(err)
			}
		}
		written("forgotten", "written anew", "desired", "reported")
		if err := s.PutHostBoots(t.Context(), []string{"x9"}, bos.BootArtifacts{Kernel: "k"}, "handed out"); err != nil {
			t.Fatal(err)
		}
		_, err := s.MutateComponents(t.Context(), []string{"x1", "x2"}, func(r *bos.Record, _ bool) error {
			if r.ID == "x1" {
				r.DesiredState.BSSToken, r.ActualState.BSSToken = "desired", "reported"
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		numbered(tables.KeepTokens)
		written("written anew", "last")
		numbered(tables.KeepTokens + tables.TidyTokens)
		written("the one that is too many")
		if err := s.Tidy(t.Context(), bos.NoFence); err != nil {
			t.Fatal(err)
		}
		for token, want := range map[string]bool{
			"forgotten": false, "written anew": true, "desired": true, "reported": true, "handed out": true, "last": true, "the one that is too many": true,
		} {
			if _, known, err := s.Token(t.Context(), token); known != want || err != nil {
				t.Errorf("token %q: known %t, want %t, %v", token, known, want, err)
			}
		}
	})
}
