package api

import (
	"net/http"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestASessionThatGoesBeyondAGuardIsRefused(t *testing.T) {
	everybody := withSet("node_roles_groups", []string{"Compute", "Application"})
	for name, c := range map[string]struct {
		guards    object
		operation string
		words     []string // none: it is accepted
	}{
		"within all":            {object{"max_nodes": 4, "max_reboots": 2, "protected_roles": []string{"Management"}}, "reboot", nil},
		"nodes":                 {object{"max_nodes": 3}, "boot", []string{"4 nodes", "max_nodes allows 3"}},
		"a role, in any case":   {object{"protected_roles": []string{"application"}}, "boot", []string{"1 of role Application", "x1c0s4b0n0"}},
		"reboots":               {object{"max_reboots": 1}, "reboot", []string{"take down 2", "max_reboots allows 1"}},
		"none may be down":      {object{"max_reboots": 0}, "boot", []string{"take down 2"}},
		"a shutdown takes down": {object{"max_reboots": 1}, "shutdown", []string{"take down 2"}},
		"a role of no node":     {object{"protected_roles": []string{"Mgmt"}}, "boot", []string{`"Mgmt"`, "the role of no node", "Application, Compute", "protect nothing"}},
		"a role that HSM has":   {object{"protected_roles": []string{"storage"}}, "boot", nil},
		"all at once":           {object{"max_nodes": 0, "max_reboots": 0}, "boot", []string{"max_nodes", "max_reboots"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.putTemplate("t1", everybody)
			for i := range s.inv.Nodes {
				s.inv.Nodes[i].Seen = bos.PowerStateOff
				s.record(s.inv.Nodes[i].ID, nil)
			}
			s.inv.Nodes[0].Seen, s.inv.Nodes[1].Seen = bos.PowerStateOn, bos.PowerStateUnknown
			body := with(with(boot("s1"), "operation", c.operation), "guards", c.guards)
			p := s.preview(with(with(ask(), "operation", c.operation), "guards", c.guards))
			if (len(p.Refused) > 0) != (len(c.words) > 0) {
				t.Errorf("the preview says %q", p.Refused)
			}
			if c.words == nil {
				s.do("POST", "/x/v1/sessions", body).ok(http.StatusCreated, nil)
				return
			}
			s.do("POST", "/x/v1/sessions", body).refused(http.StatusConflict, titleGuarded, append(c.words, "nothing was touched")...)
			if n := s.sessionCount(); n != 0 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

func TestASessionWithGuardsIsNotAcceptedUnseen(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.invErr = errOutage
	s.do("POST", "/x/v1/sessions", with(boot("s1"), "guards", object{"max_nodes": 9})).refused(http.StatusServiceUnavailable, titleUnavailable, "inventory")
	for _, guards := range []object{{"max_nodes": -1}, {"max_reboots": -1}, {"protected_roles": []string{""}}, {"max_node": 1}} {
		s.do("POST", "/x/v1/sessions", with(boot("s1"), "guards", guards)).refused(http.StatusBadRequest, "")
		s.do("POST", "/x/v1/previews", with(ask(), "guards", guards)).refused(http.StatusBadRequest, "")
	}
}

func TestStagedStateIsAppliedOfTheSessionThatIsNamedAndWithinTheGuards(t *testing.T) {
	s := newSite(t)
	for i := range s.inv.Nodes {
		s.inv.Nodes[i].Seen = bos.PowerStateOn
	}
	s.inv.Nodes[2].Seen = bos.PowerStateOff
	s.stagedSession("mine", bos.OperationReboot, "x1c0s1b0n0,x1c0s2b0n0,x1c0s3b0n0", "")
	s.stagedSession("theirs", bos.OperationShutdown, "x1c0s4b0n0", "")
	for _, id := range []string{"x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0"} {
		s.stage(id, "mine")
	}
	s.stage("x1c0s4b0n0", "theirs")
	all := object{"xnames": []string{"x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0", "x1c0s4b0n0"}}
	for _, c := range []struct {
		guards object
		word   string
	}{
		{object{"max_nodes": 3}, "4 nodes"}, {object{"max_reboots": 2}, "take down 3"}, {object{"protected_roles": []string{"application"}}, "x1c0s4b0n0"},
	} {
		s.do("POST", "/x/v1/applystaged", with(all, "guards", c.guards)).refused(http.StatusConflict, titleGuarded, c.word, "nothing was touched")
	}
	s.invErr = errOutage
	s.do("POST", "/x/v1/applystaged", with(all, "guards", object{"max_nodes": 9})).refused(http.StatusServiceUnavailable, titleUnavailable, "inventory")
	s.invErr = nil
	if s.stored("x1c0s1b0n0").Enabled {
		t.Error("what was refused was applied")
	}
	var got bos.StagedOutcome
	bound := with(with(all, "session", "mine"), "guards", object{"max_nodes": 3, "max_reboots": 2, "protected_roles": []string{"Application"}})
	s.do("POST", "/x/v1/applystaged", bound).ok(http.StatusOK, &got)
	if len(got.Succeeded) != 3 || len(got.Ignored) != 1 || got.Ignored[0] != "x1c0s4b0n0" || s.stored("x1c0s4b0n0").Enabled {
		t.Errorf("%+v", got)
	}
}
