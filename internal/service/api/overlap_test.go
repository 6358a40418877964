package api

import (
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
	for rule, refused := range map[string]int{"": 0, "take_over": 0, "reject": 1} {
		q := ask()
		if rule != "" {
			q["overlap"] = rule
		}
		p := s.preview(q)
		if len(p.Busy) != 1 || len(p.Refused) != refused || refused == 1 && (!strings.Contains(p.Refused[0], "monday") || !strings.Contains(p.Refused[0], p.Busy[0].Nodes)) {
			t.Errorf("with overlap %q it is busy with %+v and refused for %q", rule, p.Busy, p.Refused)
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
