package provider

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestARolloutIsTheSameOnTheWayToBOSAndBack(t *testing.T) {
	t.Parallel()
	budget := bos.Amount{None: true}
	freeze := time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]bos.Rollout{
		"nothing": {},
		"a canary by number": {
			Canary: bos.Amount{N: 2}, AutoPromote: true, Batches: []bos.Amount{{N: 10}, {N: 20, Percent: true}}, MaxUnavailable: bos.Amount{N: 10, Percent: true},
			MaxInFlight: bos.Amount{N: 50}, FailureBudget: &budget, MinHealthyTime: bos.Span(90 * time.Second), HealthyDeadline: bos.Span(20 * time.Minute), ProgressDeadline: bos.Span(3 * time.Hour),
		},
		"a canary by name": {
			CanaryNodes: "x1000c0s[0-1]b0n0", Strategy: bos.StrategyExponential, InitialBatch: bos.Amount{N: 1, Percent: true}, GrowthFactor: 3, By: bos.ByCabinet,
			Window: &bos.RolloutWindow{Days: []string{"Mon", "Tue"}, StartTime: "22:30", LengthMinutes: 300, TimeZone: "Europe/Zurich"},
			Freeze: []bos.RolloutFreeze{{From: freeze, Until: freeze.AddDate(0, 0, 10), Reason: "year end"}},
		},
		"an order": {BootOrdinal: map[string]int{"io": 0, "compute": 1}, ShutdownOrdinal: map[string]int{"compute": 0}, OrderThreshold: bos.Amount{N: 90, Percent: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := rolloutOf(t.Context(), givenBy(want))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got, err := rolloutOf(t.Context(), noRollout()); got != nil || err != nil {
		t.Errorf("no rollout is %+v, %v", got, err)
	}
}

func TestALengthOfTimeOfARolloutIsWrittenAsPeopleDo(t *testing.T) {
	t.Parallel()
	for want, span := range map[string]time.Duration{"1m30s": 90 * time.Second, "10m": 10 * time.Minute, "1h": time.Hour, "1h10m": 70 * time.Minute, "1h0m5s": time.Hour + 5*time.Second} {
		if got := spanText(bos.Span(span)).ValueString(); got != want {
			t.Errorf("%s is written %s", span, got)
		}
	}
}
