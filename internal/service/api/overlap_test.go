package api

import (
	"net/http"
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
