package provider_test

import (
	"net/http"
	"strings"
	"testing"
)

func gatewaySays(status int, methods, path string) func(method, path string) int {
	return func(method, at string) int {
		if strings.Contains(methods, method) && strings.Contains(at, path) {
			return status
		}
		return 0
	}
}

func TestA404OfAGatewayDuringTheWaitIsNoWordOfBOS(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	reads := 0
	fake.Gateway(func(method, path string) int {
		if method == http.MethodGet && strings.HasPrefix(path, "/v2/sessions/terraform-") && !strings.HasSuffix(path, "/status") {
			if reads++; reads < 5 {
				return http.StatusNotFound
			}
		}
		return 0
	})
	back := seen(fake, "GET /v2/sessions/terraform-", 6)
	go func() {
		<-back
		fake.Release()
	}()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["record_expired"] != false || got["status"] != "complete" || got["succeeded"] != true {
		t.Errorf("state has %v", got)
	}
	sessions(t, fake, 1)
}

func TestAServiceThatHasNoSuchSessionOnceDuringTheWaitIsAskedAgain(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	fake.Mislay(1)
	back := seen(fake, "GET /v2/sessions/terraform-", 3)
	go func() {
		<-back
		fake.Release()
	}()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["record_expired"] != false || got["succeeded"] != true {
		t.Errorf("state has %v", got)
	}
}

func TestA404OfAGatewayAtPlanTakesNothingOutOfState(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"a session that is over": false, "a session that runs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			if running {
				fake.Hold()
			}
			w := newWorkspace(t)
			config := []string{providerBlock(fake), template("quiet"), session(rolling, "wait_for_completion = false"), component("")}
			w.write(config...)
			w.apply().exits(t, 0)
			fake.Gateway(gatewaySays(http.StatusNotFound, "GET", "/v2/"))
			down := w.plan()
			down.exits(t, 1)
			down.says(t, "404 Not Found")
			destroy := w.apply("-destroy", "-refresh=false")
			destroy.exits(t, 1)
			fake.Gateway(nil)
			for _, address := range []string{"bos_session.boot", "bos_session_template.compute"} {
				if w.attributes(address) == nil {
					t.Errorf("%s is gone from state", address)
				}
			}
			if got := w.attributes("bos_session.boot")["record_expired"]; got != false {
				t.Errorf("record_expired is %v", got)
			}
		})
	}
}

func TestASessionThatIsUnconfirmedStaysSoWhileAGatewayAnswers(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.HangUp(lost)
	w := newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	fake.HangUp(nil)
	fake.Gateway(gatewaySays(http.StatusNotFound, "GET", "/v2/sessions/"))
	w.plan().exits(t, 1)
	w.apply().exits(t, 1)
	fake.Gateway(nil)
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["status"] != "complete" {
		t.Errorf("the session is %v", got["status"])
	}
	sessions(t, fake, 1)
}

func TestASessionThatWasNotThereRightAfterAnUnansweredPOSTIsUnconfirmed(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Lose(func(method, path string) bool {
		return method == http.MethodPost && strings.HasSuffix(path, "/sessions")
	})
	w := newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), template("quiet"), session(rolling))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: BOS session may or may not run")
	if strings.Contains(apply.out, "No node was touched") {
		t.Errorf("it says that no node was touched: %s", apply.out)
	}
	if got := w.attributes("bos_session.boot"); got["status"] != "unconfirmed" || got["succeeded"] != false {
		t.Errorf("state has %v", got)
	}
	fake.Lose(nil)
	w.apply().says(t, "1 added, 0 changed, 0 destroyed")
	w.plan().exits(t, 0)
}

func TestAnUnconfirmedSessionIsNotTakenForAnotherOneOfItsName(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	down := func(method, path string) bool { return strings.Contains(path, "/sessions") }
	fake.Lose(down)
	w := newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), template("quiet"), session(`name = "monday"`))
	w.apply().says(t, "Warning: BOS session may or may not run")
	fake.Lose(nil)
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"monday","template_name":"compute","operation":"reboot","limit":"x1000c0s3b0n0"}`))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "BOS session monday is not the one that was asked for", "The name of BOS session monday is taken")
}

func TestAPlanFailsWhereBOSShouldNameTheNodesAndDoesNot(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*fakeBOS){
		"the preview is answered by a gateway":           func(f *fakeBOS) { f.Gateway(gatewaySays(503, "POST", "/previews")) },
		"a gateway forbids the preview":                  func(f *fakeBOS) { f.Gateway(gatewaySays(403, "POST", "/previews")) },
		"the preview gets no answer":                     func(f *fakeBOS) { f.Lose(func(_, path string) bool { return strings.HasSuffix(path, "/previews") }) },
		"capabilities get no answer":                     func(f *fakeBOS) { f.Lose(func(string, string) bool { return true }) },
		"a gateway without a route is no plain BOS":      func(f *fakeBOS) { f.Gateway(gatewaySays(404, "GET POST", "/")) },
		"a gateway answers for all that is not under v2": func(f *fakeBOS) { f.Gateway(gatewaySays(503, "GET POST", "/x/")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			fault(fake)
			w := newWorkspace(t)
			block := strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1)
			w.write(block, template("quiet"), session(rolling))
			plan := w.plan("-out=p")
			plan.exits(t, 1)
			plan.says(t, "Error: Cannot say which nodes", "require_preview = false")
			w.write(strings.Replace(block, "max_retries", "require_preview = false\n  max_retries", 1), template("quiet"), session(rolling))
			plan = w.plan()
			plan.exits(t, 2)
			plan.says(t, "Warning: Cannot say which nodes")
		})
	}
}

func TestAnApplyWhosePreviewFailsRunsNothing(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	w.write(providerBlock(fake, "applying = terraform.applying"), template("quiet"), session(rolling))
	w.plan("-out=p").exits(t, 2)
	fake.Gateway(gatewaySays(503, "POST", "/previews"))
	w.terraform("apply", "-no-color", "p").exits(t, 1)
	if names := fake.Sessions(); len(names) != 0 {
		t.Errorf("sessions %v were created", names)
	}
}

func TestAPinThatABOSCannotCompareIsRefusedAtPlan(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Plain()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(`pin = "abc"`))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "This BOS compares no pins")
}
