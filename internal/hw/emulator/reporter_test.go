package emulator

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// A service that is started anew takes another token, and listens a moment before it has
// left it: what runs on a real node tries on, and so does an emulated one.
func TestANodeReportsAgainWhatBOSDidNotTakeForItsToken(t *testing.T) {
	const left = "the token of the service that runs now"
	taken := make(chan struct{})
	asked := 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+left {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		close(taken)
	}))
	defer api.Close()
	s := startServer(t, ServerConfig{
		Config: machineroom.Config{Nodes: 2, PowerTime: time.Millisecond, BootTime: time.Millisecond}, BOSURL: api.URL,
		Token: func(string) string { // asked by one report after the other, as one node is on
			if asked++; asked < 3 {
				return "the token of the service before"
			}
			return left
		},
	})
	s.Room().SetBootParameters([]string{first}, bos.BootArtifacts{Kernel: "s3://boot-images/kernel"}, "of the boot")
	if got := s.Room().Reset(first, machineroom.ResetOn, time.Now()); got != machineroom.AnswerAccepted {
		t.Fatal(got)
	}
	s.Kick()
	select {
	case <-taken:
	case <-t.Context().Done():
		t.Error("the report was given up")
	}
}
