package transfer_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/transfer"
)

func TestAnExportHasTheOrderOfBootSetsAndThePartitionWithIt(t *testing.T) {
	from, to := newSite(t), newSite(t)
	sequence := object{"partition": "p1", "boot_ordinal": object{"compute": 3}, "threshold": "90%"}
	steps, _ := from.plan("", file(t, t.TempDir(), "list.json", []object{template("a", object{"sequence": sequence}), template("b", nil)}))
	from.apply(steps)
	data, err := transfer.Export(t.Context(), from.client)
	if err != nil {
		t.Fatal(err)
	}
	exported := file(t, t.TempDir(), "export.json", data)
	steps, _ = to.plan("", exported)
	to.apply(steps)
	got, err := to.client.Sequence(t.Context(), "a")
	if err != nil || got.Partition != "p1" || got.BootOrdinal["compute"] != 3 || got.Threshold != (bos.Amount{N: 90, Percent: true}) {
		t.Errorf("%+v, %v", got, err)
	}
	if steps, _ = to.plan("", exported); len(steps) == 0 {
		t.Error("nothing is compared")
	}
	for _, s := range steps {
		if s.Kind != transfer.Same {
			t.Errorf("imported again: %s", s)
		}
	}
	// A file that says nothing of it leaves it as it is.
	if steps, _ = to.plan("", file(t, t.TempDir(), "plain.json", []object{template("a", nil)})); steps[0].Kind != transfer.Same {
		t.Errorf("%s", steps[0])
	}
}

func TestAnOrderOfBootSetsThatTheTemplateDoesNotHaveIsNotImported(t *testing.T) {
	path := file(t, t.TempDir(), "list.json", []object{template("a", object{"sequence": object{"boot_ordinal": object{"login": 1}}})})
	if _, err := transfer.Read([]string{path}, ""); err == nil {
		t.Error("it is read")
	}
}
