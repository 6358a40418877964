package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// poweredOn puts a node into the store that was powered on to boot an image.
func (s *site) poweredOn(id, parameters string) {
	s.record(id, func(r *bos.Record) {
		r.Enabled, r.Goal, r.Status.Phase = true, bos.GoalBoot, bos.PhasePoweringOn
		r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: parameters}
		r.DesiredState.BSSToken = "T"
		prepared := bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}
		r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: noon, Prepared: prepared}
		r.LastAction = bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(noon)}
	})
}

const someone = "x1c0s1b0n0"

func TestSomebodyElseMaySayThatANodeHasBooted(t *testing.T) {
	s := newSite(t)
	s.poweredOn(someone, "quiet")
	var c bos.Component
	s.do("POST", "/x/v1/components/X1c0s1b0n0/booted", object{"by": "a script of the site"}).ok(http.StatusOK, &c)
	if c.ActualState.BootArtifacts.Kernel != "k" || c.ActualState.BSSToken != "T" || s.stored(someone).ActualState.BSSToken != "T" {
		t.Errorf("%+v", c.ActualState)
	}
	if got := s.lastChange(); len(got.Records) != 1 || got.Records[0].ActualState.BSSToken != "T" {
		t.Errorf("the engine was told %+v", got)
	}
	var history struct{ Events []bos.Event }
	s.do("GET", "/x/v1/events?component="+someone, nil).ok(http.StatusOK, &history)
	if last := history.Events[len(history.Events)-1]; last.Kind != eventBootProven || last.Detail != "a script of the site" {
		t.Errorf("the history says %+v", last)
	}
}

func TestABootThatIsNotWaitedForIsNotProven(t *testing.T) {
	s := newSite(t)
	said := object{"by": "a script of the site"}
	s.poweredOn(someone, "quiet")
	s.record(someone, func(r *bos.Record) { r.Work.Attempt = bos.Attempt{} })
	s.do("POST", "/x/v1/components/"+someone+"/booted", said).refused(http.StatusConflict, titleNotBooting, "has not powered it on yet")
	s.poweredOn(someone, "quiet")
	s.record(someone, func(r *bos.Record) {
		r.LastAction.Action = bos.ActionPoweringOn
		r.ActualState = bos.ActualState{BootArtifacts: bos.BootArtifacts{Kernel: "other"}, LastUpdated: bos.At(noon)}
	})
	s.do("POST", "/x/v1/components/"+someone+"/booted", said).refused(http.StatusConflict, titleNotBooting, "something else")
	s.poweredOn(someone, "quiet")
	s.record(someone, func(r *bos.Record) { r.ActualState = bos.ActualState{} })
	other := object{"session": s.stored(someone).Session, "desired_state": object{"boot_artifacts": object{"kernel": "other"}}}
	s.do("PATCH", "/v2/components/"+someone, other).ok(http.StatusOK, nil)
	s.do("POST", "/x/v1/components/"+someone+"/booted", said).refused(http.StatusConflict, titleNotBooting, "before it was to run")
	s.record(someone, func(r *bos.Record) {
		r.Enabled, r.ActualState = false, bos.ActualState{BootArtifacts: bos.BootArtifacts{Kernel: "other"}, LastUpdated: bos.At(noon)}
	})
	var c bos.Component
	s.do("POST", "/x/v1/components/"+someone+"/booted", said).ok(http.StatusOK, &c)
	if c.ActualState.BootArtifacts.Kernel != "other" {
		t.Errorf("a node that nothing is waited for is written: %+v", c.ActualState)
	}
	for _, body := range []any{object{}, object{"by": ""}, object{"by": strings.Repeat("x", maxBy+1)}, object{"by": 1}, object{"by": "x", "kernel": "k"}, `[]`, `null`} {
		s.do("POST", "/x/v1/components/"+someone+"/booted", body).refused(http.StatusBadRequest, "")
	}
	s.do("POST", "/x/v1/components/none/booted", said).refused(http.StatusNotFound, "")
	s.do("POST", "/x/v1/components/x1c0s2b0n0/booted", said, tenantHeader, "red").refused(http.StatusNotFound, "")
}

func TestAPhoneHomeIsAProofWhereTheSiteOrTheTemplateSaysSo(t *testing.T) {
	home := bos.BootProof{Kind: bos.ProofPhoneHome}
	for name, c := range map[string]struct {
		site       bos.BootProof
		parameters string
		want       int
	}{
		"nobody says so":           {bos.BootProof{}, "quiet", http.StatusConflict},
		"the site":                 {home, "quiet", http.StatusOK},
		"the template":             {bos.BootProof{}, "bos_boot_proof=phone_home", http.StatusOK},
		"the template, against it": {home, "bos_boot_proof=report", http.StatusConflict},
	} {
		s := newSite(t, func(cfg *Config) { cfg.BootProof = c.site })
		s.poweredOn(someone, c.parameters)
		r := s.do("POST", "/x/v1/components/"+someone+"/booted", object{"by": "phone_home"})
		if r.status != c.want || (s.stored(someone).ActualState.BSSToken == "T") != (c.want == http.StatusOK) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}
