package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestWhatAConfigurationMakesOfAHold(t *testing.T) {
	t.Parallel()
	board := given("board is out")
	type seen struct{ hold, held string }
	for name, c := range map[string]struct {
		config field[string]
		// seen is nil for a node that is going to be adopted.
		seen *seen
		// shared says that others ask for the hold as well.
		shared bool
		step   holdStep
		// warns is in the warnings, nothing if there is none.
		warns string
	}{
		"none for one that is adopted":          {},
		"a hold for one that is adopted":        {config: board, step: holdStep{put: board}},
		"none as before":                        {seen: &seen{}},
		"a hold anew":                           {config: board, seen: &seen{}, step: holdStep{put: board}},
		"the hold as before":                    {config: board, seen: &seen{"board is out", "board is out (by me)"}},
		"another reason":                        {config: given("fan"), seen: &seen{"board is out", "board is out (by me)"}, step: holdStep{put: given("fan")}},
		"lifted by somebody is put on again":    {config: board, seen: &seen{}, step: holdStep{put: board}},
		"taken over by somebody, and says so":   {config: board, seen: &seen{"", "leak (by bob)"}, step: holdStep{put: board}, warns: "held by somebody else"},
		"taken out of the configuration":        {seen: &seen{"board is out", "board is out (by me)"}, step: holdStep{lift: board}, warns: "hold is lifted"},
		"taken out, and others ask for it":      {seen: &seen{"board is out", "board is out (by me)"}, shared: true, step: holdStep{leave: board}, warns: "stay held"},
		"of somebody else, and none configured": {seen: &seen{"", "leak (by bob)"}},
		"not known yet":                         {config: unknownText, seen: &seen{"board is out", "board is out (by me)"}, step: holdStep{put: unknownText}},
	} {
		t.Run(name, func(t *testing.T) {
			var observed *observedComponent
			if c.seen != nil {
				observed = there(no, "")
				observed.held = c.seen.held
				if c.seen.hold != "" {
					observed.hold = given(c.seen.hold)
				}
			}
			d := decideComponent("x0", managed{hold: c.config}, askedBefore{holdShared: c.shared}, observed)
			if d.hold != c.step || d.plan.hold != c.config {
				t.Errorf("the apply does %+v, the plan has %+v", d.hold, d.plan.hold)
			}
			if d.changes == c.step.nothing() && c.seen != nil {
				t.Errorf("something changes: %t", d.changes)
			}
			if (c.warns != "") != (len(d.warnings) > 0) || c.warns != "" && !strings.Contains(d.warnings[0].summary, c.warns) {
				t.Errorf("it warns of %+v", d.warnings)
			}
		})
	}
}

func TestAHeldNodeIsNotSaidToBeActedOn(t *testing.T) {
	t.Parallel()
	d := decideComponent("x0", managed{enabled: yes, hold: given("board is out"), desired: kernel("k")}, askedBefore{}, there(no, ""))
	if len(d.warnings) != 1 || !strings.Contains(d.warnings[0].summary, "once their hold is lifted") || !strings.Contains(d.effect.value, "once its hold is lifted") {
		t.Errorf("it warns of %+v and the effect is %q", d.warnings, d.effect.value)
	}
	acting := there(yes, "nightly")
	acting.phase = "powering_on"
	d = decideComponent("x0", managed{hold: given("board is out")}, askedBefore{}, acting)
	if len(d.warnings) != 1 || !strings.Contains(d.warnings[0].detail, "x0: it is powering_on now for session nightly") {
		t.Errorf("it warns of %+v", d.warnings)
	}
}

func TestStateHasAHoldAsLongAsBOSHasItForTheSameReason(t *testing.T) {
	t.Parallel()
	asked := types.ObjectValueMust(holdType.AttrTypes, map[string]attr.Value{"reason": types.StringValue("board is out")})
	since := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for reason, kept := range map[string]bool{"board is out": true, "leak": false, "": false} {
		b := bos.Brake{}
		if reason != "" {
			b = bos.NewBrake(reason, "bob", since)
		}
		if got := holdOf(asked, b); got.IsNull() == kept {
			t.Errorf("BOS has %q: state has %s", reason, got)
		}
	}
	if got := heldText(bos.NewBrake("leak", "bob", since)); got != "leak (by bob since 2026-01-31T12:00:00Z)" {
		t.Errorf("held is %q", got)
	}
	if got := heldText(bos.Brake{}); got != "" {
		t.Errorf("held is %q", got)
	}
}
