package figures_test

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
)

func TestALineSaysItsAimAndWhetherItWasMet(t *testing.T) {
	var out strings.Builder
	err := figures.Print(&out, []figures.Figure{
		{What: "overhead", Nodes: 1000, Value: 0.3, Unit: figures.Seconds, Aim: figures.AtMost(0.3)},
		{What: "overhead", Nodes: 10000, Value: 2.01, Unit: figures.Seconds, Aim: figures.AtMost(2)},
		{What: "reports", Nodes: 10000, Value: 7999, Unit: figures.PerSecond, Aim: figures.AtLeast(8000)},
		{What: "fsync", Nodes: 10000, Value: 0.1, Unit: figures.Milliseconds},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `what      nodes  measured  aim
overhead  1000   0.30 s    ≤ 0.3 s          met
overhead  10000  2.01 s    ≤ 2 s            missed
reports   10000  7999 /s   ≥ 8000 /s        missed
fsync     10000  0.10 ms   for information
`
	var trimmed strings.Builder
	for line := range strings.Lines(out.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	if trimmed.String() != want {
		t.Errorf("it printed\n%s", trimmed.String())
	}
}

func TestWhatMissedItsAimIsNamedAndNothingElse(t *testing.T) {
	met := figures.Figure{What: "overhead", Nodes: 1000, Value: 0.3, Unit: figures.Seconds, Aim: figures.AtMost(0.3)}
	free := figures.Figure{What: "fsync", Value: 9, Unit: figures.Milliseconds}
	if err := figures.Missed([]figures.Figure{met, free}); err != nil {
		t.Errorf("nothing was missed, and it says %v", err)
	}
	err := figures.Missed([]figures.Figure{
		met,
		{What: "the longest frame", Nodes: 10000, Value: 101, Unit: figures.Milliseconds, Aim: figures.AtMost(100)},
		free,
		{What: "restarts", Nodes: 10000, Value: 99, Unit: figures.Times, Aim: figures.AtLeast(100)},
	})
	want := "missed: the longest frame, 10000 nodes: 101.00 ms, and the aim is ≤ 100 ms\nmissed: restarts, 10000 nodes: 99.0, and the aim is ≥ 100"
	if err == nil || err.Error() != want {
		t.Errorf("it says %v", err)
	}
}
