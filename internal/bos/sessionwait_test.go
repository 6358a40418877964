package bos_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What somebody wrote as the reason is shown as it was written, whatever it looks like.
func TestTheReasonOfAPauseIsNotRewrittenWhereItHasAPlaceholder(t *testing.T) {
	s := bos.SessionRecord{Session: bos.Session{Name: "nightly"}, Paused: bos.Brake{Since: time.Unix(1, 0), Reason: "DNS NAME servers are down"}}
	want := "it is paused: DNS NAME servers are down; POST /x/v1/sessions/nightly/resume lets work go on"
	if got := s.Wait(""); got == nil || got.Sentence != want {
		t.Errorf("got %+v, want %q", got, want)
	}
}
