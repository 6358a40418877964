package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// failing makes a session run of whose nodes some have failed.
func (s *site) failing(name string, failed ...string) {
	s.t.Helper()
	s.do("POST", "/v2/sessions", with(boot(name), "operation", "reboot")).ok(http.StatusCreated, nil)
	s.setSession(name, func(r *bos.SessionRecord) {
		r.Status.Status = bos.SessionRunning
		r.Excluded = []bos.Exclusion{{BootSet: "compute", Reason: "locked in the inventory", Count: 1, Nodes: "x1c0s4b0n0"}}
	})
	for _, id := range []string{"x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0"} {
		s.record(id, func(r *bos.Record) {
			r.Session, r.Enabled, r.Status = name, false, bos.ComponentStatus{}
			if slices.Contains(failed, id) {
				r.Status.StatusOverride, r.Status.Phase, r.Error = bos.StatusFailed, bos.PhasePoweringOff, "never went off"
				r.Work.Cause = bos.CausePowerOffTimeout
			}
		})
	}
}

func TestTheStatusOfASessionSaysStepAndCategoryOfEachNodeAndHowToRetryWhatFailed(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.failing("monday", "x1c0s2b0n0", "x1c0s3b0n0")
	var got sessionSteps
	s.do("GET", "/x/v1/sessions/monday/status", nil).ok(http.StatusOK, &got)
	shutdown := got.BootSets[0].Phases[0]
	if n := shutdown.Categories[bos.CategoryFailed]; shutdown.Name != bos.StepShutdown || n.Count != 2 || n.Nodes != "x1c0s[2-3]b0n0" || shutdown.Reasons["never went off"].Count != 2 {
		t.Errorf("the shutdown is %+v", shutdown)
	}
	if got.ErrorCount != 2 || got.Retry == nil || got.Retry.Limit != "x1c0s[2-3]b0n0" || got.Retry.Commands[0] != "terraform-provider-bos retry monday" ||
		got.Retry.Commands[1] != "cray bos v2 sessions create --template-name t1 --operation reboot --limit 'x1c0s[2-3]b0n0'" {
		t.Errorf("the status is %+v", got)
	}
}

func TestASessionThatRetriesAnotherHasJustTheNodesThatFailedThere(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.failing("monday", "x1c0s2b0n0", "x1c0s3b0n0")
	var created bos.Session
	s.do("POST", "/x/v1/sessions", object{"retry_of": "monday"}).ok(http.StatusCreated, &created)
	if created.Operation != bos.OperationReboot || created.TemplateName != "t1" || created.Limit != "x1c0s[2-3]b0n0" {
		t.Errorf("the retry is %+v", created)
	}
	s.do("POST", "/x/v1/sessions", object{"retry_of": "monday", "limit": "all"}).refused(http.StatusBadRequest, "", "retry_of", "limit")
	s.do("POST", "/x/v1/sessions", object{"retry_of": "monday", "stage": true}).refused(http.StatusBadRequest, "", "retry_of", "stage")
	s.do("POST", "/x/v1/sessions", object{"retry_of": "monday"}, tenantHeader, "red").refused(http.StatusNotFound, "", "monday")
	// What another session has had since is not touched for what became of it before.
	s.failing("tuesday")
	s.do("POST", "/x/v1/sessions", object{"retry_of": "monday"}).refused(http.StatusConflict, titleConflict, "monday", "other sessions")
}

func TestConfigureIsAnOperationOfTheExtensionAndNeverStaged(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", with(template(), "cfs", object{"configuration": "c"}))
	s.putTemplate("none", with(template(), "enable_cfs", false))
	s.do("POST", "/v2/sessions", with(boot("s1"), "operation", "configure")).refused(http.StatusBadRequest, titleBadRequest, "configure")
	s.do("POST", "/x/v1/sessions", with(with(boot("s1"), "operation", "configure"), "stage", true)).refused(http.StatusBadRequest, titleBadRequest, "stage")
	s.do("POST", "/x/v1/sessions", with(with(boot("s1"), "operation", "configure"), "template_name", "none")).refused(http.StatusBadRequest, titleBadRequest, "enable_cfs")
	s.images = nil // it boots nothing
	s.do("POST", "/x/v1/sessions", with(boot("s1"), "operation", "configure")).ok(http.StatusCreated, nil)
	if effect := s.preview(with(ask(), "operation", "configure")).Effects; len(effect) == 0 || strings.Contains(string(effect[0].Effect), "power") {
		t.Errorf("it does %+v", effect)
	}
}

// The nodes are read for the steps, and once for what foretells the end of the session,
// which follows the feed from then on.
func TestHoweverManyAskForAStatusTheNodesAreReadWhenSomethingHasChangedAndWhatWasAcknowledgedIsInIt(t *testing.T) {
	counting := &countingNodes{}
	s := newSite(t, func(c *Config) { counting.Store = c.Store; c.Store = counting })
	s.putTemplate("t1", template())
	s.failing("monday")
	const forecast = 1
	first := (forecast + 1) * len(s.stores) // each of several services reads them for itself
	for range 20 {
		s.do("GET", "/x/v1/sessions/monday/status", nil).ok(http.StatusOK, nil)
	}
	if counting.reads != first {
		t.Errorf("20 viewers read the nodes %d times; once for the forecast and once for the steps is enough", counting.reads)
	}
	for _, failed := range []string{"x1c0s1b0n0", "x1c0s3b0n0"} {
		s.do("PATCH", "/v2/components/"+failed, object{"status": object{"status_override": bos.StatusFailed}}).ok(http.StatusOK, nil)
		var got sessionSteps
		s.do("GET", "/x/v1/sessions/monday/status", nil).ok(http.StatusOK, &got)
		if retried, err := bos.Expand(orZero(got.Retry).Limit, 10); err != nil || !slices.Contains(retried, failed) {
			t.Errorf("right after the service acknowledged that %s failed, the retry is %+v", failed, got.Retry)
		}
	}
	if counting.reads != first+2 {
		t.Errorf("after two changes they were read %d times", counting.reads)
	}
}

// countingNodes counts how often the nodes of sessions are read.
type countingNodes struct {
	Store
	reads int
}

func (c *countingNodes) SessionNodes(ctx context.Context, key bos.SessionKey, after string, limit int) ([]bos.NodeOutcome, error) {
	c.reads++
	return c.Store.SessionNodes(ctx, key, after, limit)
}
