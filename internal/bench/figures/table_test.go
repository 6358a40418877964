package figures_test

import (
	"math"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
)

func TestALineSaysHowManyTimesAsLongTheSecondTakes(t *testing.T) {
	table := figures.Table{Columns: []string{"one", "other"}, Rows: []figures.Row{
		{What: "read", Nodes: 10, Values: []float64{1, 2}, Unit: figures.Milliseconds, Most: 2, Aim: figures.AtMost(5)},
		{What: "reports", Nodes: 10, Values: []float64{900, 600}, Unit: figures.PerSecond, Most: 2},
		{What: "its own", Nodes: 10, Values: []float64{math.NaN(), 5}, Unit: figures.Mebibytes, Most: 2},
		{What: "nothing", Nodes: 10, Values: []float64{0, 0}, Unit: figures.Seconds, Most: 2},
	}}
	var out strings.Builder
	if err := table.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := `what nodes one other aim times aim
read 10 1.00 ms 2.00 ms ≤ 5 ms met 2.0 ≤ 2 met
reports 10 900 /s 600 /s for information 1.5 ≤ 2 met
its own 10 5 MiB for information ≤ 2 met
nothing 10 0.00 s 0.00 s for information ≤ 2 met
`
	var got strings.Builder
	for line := range strings.Lines(out.String()) {
		got.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	if got.String() != want {
		t.Errorf("it printed\n%s", got.String())
	}
	if table.Missed() {
		t.Error("one is said to be missed")
	}
	table.Rows[1].Values[1] = 449
	if !table.Missed() {
		t.Error("less than half as many reports are not missed")
	}
}
