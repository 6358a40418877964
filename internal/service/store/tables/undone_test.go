package tables_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestBootArtifactsOfAWriteThatFailedAreNotTakenForStored: it has a row made for them, which
// is undone with it, before a statement of it fails.
func TestBootArtifactsOfAWriteThatFailedAreNotTakenForStored(t *testing.T) {
	inBoth(t, func(t *testing.T, d database) {
		s := d.open()
		both := []string{"x1", "x2"}
		write := func(kernel string) error {
			_, err := s.MutateComponents(t.Context(), both, func(r *bos.Record, _ bool) error {
				r.DesiredState.BootArtifacts.Kernel = kernel
				return nil
			})
			return err
		}
		if err := write(""); err != nil {
			t.Fatal(err)
		}
		if err := s.Execute(t.Context(), "ALTER TABLE components RENAME COLUMN attempts TO away"); err != nil {
			t.Fatal(err)
		}
		if err := write("one"); err == nil {
			t.Fatal("a write is made of a table that has lost a column")
		}
		if err := s.Execute(t.Context(), "ALTER TABLE components RENAME COLUMN away TO attempts"); err != nil {
			t.Fatal(err)
		}
		for _, kernel := range []string{"other", "one"} {
			if err := write(kernel); err != nil {
				t.Fatal(err)
			}
			list, err := s.Components(t.Context(), bos.ComponentFilter{IDs: both})
			if err != nil || len(list) != 2 || list[0].DesiredState.BootArtifacts.Kernel != kernel || list[1].DesiredState.BootArtifacts.Kernel != kernel {
				t.Errorf("what was written with kernel %q is read as %+v, %v", kernel, list, err)
			}
		}
	})
}
