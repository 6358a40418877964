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
	s.do("POST", "/x/v1/sessions", wish).refused(http.StatusConflict, titleConflict, "x1c0s2b0n0", "monday")
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

func TestASessionThatIsAskedForAgainUnderAnotherRuleIsNotAnsweredWithTheOneThatWaits(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	queued := with(with(boot("monday"), "overlap", "queue"), "receipt", s.preview(ask()).Receipt)
	s.do("POST", "/x/v1/sessions", queued).ok(http.StatusCreated, nil)
	s.do("POST", "/x/v1/sessions", with(queued, "name", "tuesday")).ok(http.StatusOK, nil)
	s.do("POST", "/x/v1/sessions", with(with(queued, "name", "tuesday"), "overlap", "reject")).refused(http.StatusConflict, titleCarriedOut, "monday")
}
