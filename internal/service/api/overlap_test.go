package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestOverlappingSessionsAreRefusedOnWishAndTheOtherIsNamed(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.failing("monday")
	wish := with(boot("tuesday"), "overlap", "reject")
	s.record("x1c0s2b0n0", func(r *bos.Record) { r.Session, r.Enabled = "monday", true })
	s.do("POST", "/x/v1/sessions", wish).refused(http.StatusConflict, titleBusy, "x1c0s2b0n0", "monday")
	s.do("POST", "/x/v1/sessions", with(wish, "limit", "all,!x1c0s2b0n0")).ok(http.StatusCreated, nil)
	s.do("POST", "/x/v1/sessions", with(boot("s3"), "overlap", "take_over")).ok(http.StatusCreated, nil)
	s.do("POST", "/x/v1/sessions", with(boot("s4"), "overlap", "maybe")).refused(http.StatusBadRequest, titleBadRequest, "overlap", "maybe")
}

func TestAPreviewSaysForWhichSessionsOneWouldBeRefusedThatTakesNoNodesFromOthers(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.do("POST", "/v2/sessions", boot("monday")).ok(http.StatusCreated, nil)
	for rule, refused := range map[string]int{"": 0, "take_over": 0, "queue": 0, "reject": 1} {
		q := ask()
		if rule != "" {
			q["overlap"] = rule
		}
		p := s.preview(q)
		if len(p.Busy) != 1 || len(p.Refused) != refused || refused == 1 && (!strings.Contains(p.Refused[0], "monday") || !strings.Contains(p.Refused[0], p.Busy[0].Nodes)) {
			t.Errorf("with overlap %q it is busy with %+v and refused for %q", rule, p.Busy, p.Refused)
		}
		if (len(p.WaitsFor) == 1) != (rule == "queue") || rule == "queue" && !strings.Contains(p.WaitsFor[0], "monday") {
			t.Errorf("with overlap %q it waits for %q", rule, p.WaitsFor)
		}
	}
	q := ask()
	q["reuse"] = true
	if p := s.preview(q); len(p.Refused) != 0 {
		t.Errorf("what is refused to one who asks is kept for others: %q", p.Refused)
	}
	q["overlap"] = "maybe"
	s.do("POST", "/x/v1/previews", q).refused(http.StatusBadRequest, titleBadRequest, "overlap", "maybe")
}

func TestNoMoreThanAHundredSessionsQueue(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	for i := range maxQueued {
		s.do("POST", "/x/v1/sessions", with(boot(fmt.Sprintf("q%d", i)), "overlap", "queue")).ok(http.StatusCreated, nil)
	}
	s.do("POST", "/x/v1/sessions", with(boot("more"), "overlap", "queue")).refused(http.StatusConflict, titleConflict, "100 sessions")
	s.do("POST", "/x/v1/sessions", with(boot("other"), "overlap", "take_over")).ok(http.StatusCreated, nil)
}

func TestSessionsOfOneTenantThatQueueLeaveRoomForThoseOfOthers(t *testing.T) {
	s := newSite(t)
	s.tenants = map[string][]string{"red": {redNode}, "green": {greenNode}}
	for tenant, node := range map[string]string{"red": redNode, "green": greenNode} {
		s.putTemplate("t1", object{"boot_sets": object{"compute": object{"path": "s3://boot-images/one/manifest.json", "type": "s3", "node_list": []string{node}}}}, tenantHeader, tenant)
	}
	for i := range maxQueued {
		s.do("POST", "/x/v1/sessions", with(boot(fmt.Sprintf("q%d", i)), "overlap", "queue"), tenantHeader, "red").ok(http.StatusCreated, nil)
	}
	s.do("POST", "/x/v1/sessions", with(boot("more"), "overlap", "queue"), tenantHeader, "red").refused(http.StatusConflict, titleConflict, "100 sessions")
	s.do("POST", "/x/v1/sessions", with(boot("more"), "overlap", "queue"), tenantHeader, "green").ok(http.StatusCreated, nil)
}

func TestASessionThatIsAskedForAgainUnderAnotherRuleIsNotAnsweredWithTheOneThatWaits(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	queued := with(with(boot("monday"), "overlap", "queue"), "receipt", s.preview(ask()).Receipt)
	s.do("POST", "/x/v1/sessions", queued).ok(http.StatusCreated, nil)
	s.do("POST", "/x/v1/sessions", with(queued, "name", "tuesday")).ok(http.StatusOK, nil)
	s.do("POST", "/x/v1/sessions", with(with(queued, "name", "tuesday"), "overlap", "reject")).refused(http.StatusConflict, titleCarriedOut, "monday")
}

func TestASessionTakesNodesFromThoseThatItReplacesAndFromNoOthers(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.failing("monday")
	s.record("x1c0s2b0n0", func(r *bos.Record) { r.Session, r.Enabled = "monday", true })
	wish := with(boot("tuesday"), "overlap", "reject")
	s.do("POST", "/x/v1/sessions", with(wish, "replaces", []string{"sunday"})).refused(http.StatusConflict, titleBusy, "x1c0s2b0n0", "monday")
	s.do("POST", "/x/v1/sessions", with(wish, "replaces", []string{"a b"})).refused(http.StatusBadRequest, titleBadRequest, "replaces", "a b")
	s.do("POST", "/x/v1/sessions", with(wish, "replaces", make([]string, bos.MaxReplaces+1))).refused(http.StatusBadRequest, titleBadRequest, "replaces", "101")
	s.do("POST", "/x/v1/sessions", with(wish, "replaces", []string{"monday"})).ok(http.StatusCreated, nil)
}

// Whoever applies a reviewed plan may not know any more which session it replaces.
func TestASessionThatCarriesAPreviewOutReplacesWhatThePreviewNamed(t *testing.T) {
	for how, say := range map[string]func(o object, p bos.Preview) object{
		"by its receipt":     func(o object, p bos.Preview) object { return with(o, "receipt", p.Receipt) },
		"by pin and run key": func(o object, p bos.Preview) object { return with(with(o, "pin", p.Pin), "run_key", "a") },
		"by nothing":         func(o object, _ bos.Preview) object { return o },
		"by the pin alone":   func(o object, p bos.Preview) object { return with(o, "pin", p.Pin) },
		"by another run key": func(o object, p bos.Preview) object { return with(with(o, "pin", p.Pin), "run_key", "b") },
	} {
		t.Run(how, func(t *testing.T) {
			s := newSite(t)
			s.putTemplate("t1", template())
			s.do("POST", "/v2/sessions", boot("monday")).ok(http.StatusCreated, nil)
			s.runsOn("monday", "x1c0s2b0n0")
			q := with(with(ask(), "overlap", "reject"), "run_key", "a")
			if p := s.preview(q); len(p.Refused) != 1 || p.Busy[0].Replaced {
				t.Errorf("without it, it is refused for %q, busy with %+v", p.Refused, p.Busy)
			}
			p := s.preview(with(q, "replaces", []string{"monday"}))
			if len(p.Refused) != 0 || len(p.Busy) != 1 || !p.Busy[0].Replaced || len(p.Replaces) != 1 {
				t.Errorf("it is refused for %q, busy with %+v", p.Refused, p.Busy)
			}
			// One who asks anew, as an apply does, knows it by the same.
			if again := s.preview(q); len(again.Refused) != 0 || !again.Busy[0].Replaced {
				t.Errorf("asked again, it is refused for %q", again.Refused)
			}
			created := s.do("POST", "/x/v1/sessions", say(with(boot("tuesday"), "overlap", "reject"), p))
			if how == "by its receipt" || how == "by pin and run key" {
				created.ok(http.StatusCreated, nil)
				return
			}
			created.refused(http.StatusConflict, titleBusy, "monday")
		})
	}
}

// The same is asked for again on purpose, as by terraform apply -replace.
func TestASessionInFlightThatIsToBeReplacedIsNotGoneOnWith(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	q := with(with(ask(), "overlap", "reject"), "run_key", "a")
	body := with(with(with(boot("monday"), "overlap", "reject"), "run_key", "a"), "pin", s.preview(q).Pin)
	s.do("POST", "/x/v1/sessions", body).ok(http.StatusCreated, nil)
	s.runsOn("monday", "x1c0s2b0n0")
	if p := s.preview(q); p.GoesOnWith() != "monday" {
		t.Errorf("it goes on with %q", p.GoesOnWith())
	}
	s.do("POST", "/x/v1/sessions", with(body, "name", "tuesday")).ok(http.StatusOK, nil)
	if p := s.preview(with(q, "replaces", []string{"monday"})); p.GoesOnWith() != "" || len(p.Busy) != 1 || !p.Busy[0].Replaced || len(p.Refused) > 0 {
		t.Errorf("it goes on with %q, busy with %+v", p.GoesOnWith(), p.Busy)
	}
	s.do("POST", "/x/v1/sessions", with(body, "name", "tuesday")).ok(http.StatusCreated, nil)
	// Whoever was killed meanwhile goes on with that one.
	s.do("POST", "/x/v1/sessions", with(body, "name", "wednesday")).ok(http.StatusOK, nil)
}
