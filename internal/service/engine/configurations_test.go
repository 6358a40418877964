package engine_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// configures has a node report its boot, and the configuration service apply what is
// wanted of it in some time. It returns when that was asked about, after the report.
func configures(e *engine.Engine, id string, at time.Time, takes time.Duration) (asked []time.Duration) {
	r := armed(id)
	r.DesiredState.Configuration = "c"
	r.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
	r.EventStats.PowerOnAttempts = 1
	r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: at}
	e.Step(at, engine.Inputs{Records: []bos.Record{r}})
	on := at.Add(time.Second)
	out := e.Step(on, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, on)}})
	for _, c := range out.Commit.Components {
		r = c
		r.Revision++
		e.Step(on, engine.Inputs{Committed: &bos.Committed{Revision: r.Revision}})
	}
	reported := at.Add(5 * time.Second)
	r = report(r, r.DesiredState.BootArtifacts, reported)
	r.Revision++
	now, in := reported, engine.Inputs{Records: []bos.Record{r}}
	for range 100 {
		out = e.Step(now, in)
		in = engine.Inputs{}
		for _, c := range out.Commit.Components {
			if !c.Enabled {
				return asked
			}
			in.Committed = &bos.Committed{Revision: c.Revision + 1}
		}
		for _, id := range out.ConfigurationProbes {
			asked = append(asked, now.Sub(reported))
			status := bos.ConfigurationPending
			if now.Sub(reported) >= takes {
				status = bos.ConfigurationDone
			}
			in.Configurations = append(in.Configurations, bos.ConfigurationReading{ID: id, Desired: "c", Status: status, Asked: now})
		}
		for _, id := range out.Probes {
			in.Readings = append(in.Readings, reading(id, bos.PowerStateOn, now))
		}
		if in.Empty() {
			now = out.Wake
		}
	}
	return asked
}

// TestAConfigurationWhoseTimeIsKnownIsAskedAboutWhenItShouldBeApplied: once before, to
// see that the configuration service has what is wanted, and not for each node as it
// reports.
func TestAConfigurationWhoseTimeIsKnownIsAskedAboutWhenItShouldBeApplied(t *testing.T) {
	const takes = 30 * time.Second
	e := engine.New(engine.Settings{NoInventory: true, Configures: true})
	if asked := configures(e, "x1000c0s0b0n0", start, takes); len(asked) < 2 || asked[0] != 0 {
		t.Errorf("asked after %v, want at once and until it is applied", asked)
	}
	for _, off := range []time.Duration{0, 1300 * time.Millisecond, 1999 * time.Millisecond} {
		asked := configures(e, "x1000c0s1b0n0", start.Add(time.Hour+off), takes)
		if len(asked) < 2 || asked[0] == 0 || asked[0] > 2*time.Second || asked[1] < takes/2 {
			t.Errorf("asked after %v, want soon after the report and then when it should be applied", asked)
		}
	}
}
