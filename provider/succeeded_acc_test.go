package provider_test

import (
	"strings"
	"testing"
)

// canaryFirst is a canary with the documented postcondition, and a session for
// the rest that depends on it.
func canaryFirst(canary string) string {
	return strings.Replace(session(`limit = "`+canary+`"`, `lifecycle {
    postcondition {
      condition     = self.succeeded
      error_message = "The canary did not succeed: ${coalesce(self.error, self.failed_nodes, self.unfinished_nodes, self.status)}"
    }
  }`), `"boot"`, `"canary"`, 1) + strings.Replace(session(`depends_on = [bos_session.canary]`), `"boot"`, `"rest"`, 1)
}

// onBoth runs a test on a site with extensions and on a plain BOS.
func onBoth(t *testing.T, test func(*testing.T, *fakeBOS)) {
	t.Helper()
	t.Run("with extensions", func(t *testing.T) { test(t, startFake(t.Cleanup, room...)) })
	t.Run("plain", func(t *testing.T) {
		fake := startFake(t.Cleanup, room...)
		fake.Plain()
		test(t, fake)
	})
}

// released fails the test unless the apply was stopped after the canary.
func released(t *testing.T, fake *fakeBOS, apply result, others int) {
	t.Helper()
	apply.exits(t, 1)
	apply.says(t, "Resource postcondition failed", "The canary did not succeed")
	sessions(t, fake, 1+others)
}

func TestACanaryOfNoNodesReleasesNobody(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fake *fakeBOS) {
		w := newWorkspace(t)
		w.write(providerBlock(fake), template("quiet"), strings.Replace(canaryFirst("x1000c0s9b0n0"), "limit", "allow_empty = true\n  limit", 1))
		apply := w.apply()
		released(t, fake, apply, 0)
		apply.says(t, "No nodes were found to act upon")
		if got := w.attributes("bos_session.canary"); got["succeeded"] != false || got["failed_count"] != nil || got["retry_limit"] != "" || got["failed_nodes"] != "" {
			t.Errorf("state has %v", got)
		}
	})
}

func TestACanaryThatSomebodyCancelsReleasesNobody(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	asked := seen(fake, "GET /v2/sessions/", 1)
	cancelled := make(chan struct{})
	go func() {
		defer close(cancelled)
		<-asked
		send(t, "POST", fake.URL()+"/x/v1/sessions/"+fake.Sessions()[0]+"/cancel", strings.NewReader(`{"reason":"looks bad"}`))
	}()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), canaryFirst("x1000c0s0b0n0"))
	apply := w.apply()
	<-cancelled
	released(t, fake, apply, 0)
	apply.says(t, "cancelled: looks bad")
	if got := w.attributes("bos_session.canary"); got["succeeded"] != false || got["failed_count"] != nil || got["error"] != "cancelled: looks bad" {
		t.Errorf("state has %v", got)
	}
}

func TestACanaryWhoseNodesAnotherSessionTookReleasesNobody(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fake *fakeBOS) {
		fake.Hold()
		asked := seen(fake, "GET /v2/sessions/", 1)
		taken := make(chan struct{})
		go func() {
			defer close(taken)
			<-asked
			send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"other","template_name":"compute","operation":"shutdown","limit":"x1000c0s0b0n0"}`))
			fake.Release()
		}()
		w := newWorkspace(t)
		w.write(providerBlock(fake), template("quiet"), canaryFirst("x1000c0s0b0n0,x1000c0s1b0n0"))
		apply := w.apply()
		<-taken
		released(t, fake, apply, 1)
		apply.says(t, "Warning: 1 node not done by the session to reboot: x1000c0s0b0n0", "another session took them over")
		if got := w.attributes("bos_session.canary"); got["succeeded"] != false || got["failed_count"] != nil || got["unfinished_nodes"] != "x1000c0s0b0n0" {
			t.Errorf("state has %v", got)
		}
	})
}

func TestACanaryThatIsNotOverReleasesNobody(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fake *fakeBOS) {
		fake.Hold()
		w := newWorkspace(t)
		w.write(providerBlock(fake), template("quiet"), strings.Replace(canaryFirst("x1000c0s0b0n0"), "limit", "wait_for_completion = false\n  limit", 1))
		released(t, fake, w.apply(), 0)
	})
}

func TestACanaryInWhichTooManyFailedReleasesNobodyAndOneThatIsGoodEnoughDoes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fake *fakeBOS) {
		fake.Break("x1000c0s1b0n0")
		w := newWorkspace(t)
		config := canaryFirst("x1000c0s[0-1]b0n0")
		w.write(providerBlock(fake), template("quiet"), config)
		apply := w.apply()
		released(t, fake, apply, 0)
		apply.says(t, "The canary did not succeed: x1000c0s1b0n0")
		w.write(providerBlock(fake), template("quiet"), strings.Replace(config, "limit", "max_failed = \"50%\"\n  limit", 1))
		w.apply().says(t, "1 added, 1 changed, 0 destroyed")
		if got := w.attributes("bos_session.canary"); got["succeeded"] != true || got["failed_count"] != 1.0 {
			t.Errorf("state has %v", got)
		}
		w.plan().exits(t, 0)
	})
}

func TestNodesThatALaterSessionRebootsTakeNothingFromTheSuccessOfTheFirst(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session("wait_for_completion = false"))
	w.apply().exits(t, 0)
	fake.Release()
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"later","template_name":"compute","operation":"reboot"}`))
	w.terraform("apply", "-refresh-only", "-auto-approve", "-no-color").exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["succeeded"] != true || got["failed_count"] != 0.0 || got["unfinished_nodes"] != "" {
		t.Errorf("state has %v", got)
	}
}

func TestTheDataSourceSaysWhetherASessionSucceeded(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"good","template_name":"compute","operation":"reboot","limit":"x1000c0s0b0n0"}`))
	w := newWorkspace(t)
	w.write(providerBlock(fake), `
data "bos_session" "monday" { name = "monday" }
data "bos_session" "good" { name = "good" }
output "monday" { value = "${data.bos_session.monday.succeeded} ${data.bos_session.monday.retry_limit} ${data.bos_session.monday.error}." }
output "good" { value = "${data.bos_session.good.succeeded} ${data.bos_session.good.retry_limit}${data.bos_session.good.error}." }`)
	w.apply().says(t, `good = "true ."`, `monday = "false x1000c0s2b0n0 ."`)
}
