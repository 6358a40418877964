package provider_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// A Terraform that is killed at any moment of an apply leaves no state. The same plan,
// applied again, brings each node once to what was staged.
func TestAStagedApplyThatIsKilledIsAppliedOnceByItsPlan(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]func(*realBOS) <-chan struct{}{
		"when it is planned again": func(r *realBOS) <-chan struct{} { return r.asked("POST /x/v1/applystaged/receipts$") },
		"at the request":           func(r *realBOS) <-chan struct{} { return r.asked("POST /x/v1/applystaged$") },
		"when nodes change their power": func(r *realBOS) <-chan struct{} {
			powered := make(chan struct{})
			go func() {
				defer close(powered)
				look := time.NewTicker(20 * time.Millisecond)
				defer look.Stop()
				for resets(r) == 0 && r.t.Context().Err() == nil {
					<-look.C
				}
			}()
			return powered
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startReal(t, 2*time.Second)
			r.staging(t)
			w := newProcessWorkspace(t)
			w.write(r.block("applying = terraform.applying"), nowApplied(`"`+bos.Fold(r.nodes())+`"`))
			w.terraform("plan", "-out=p").exits(t, 0)
			killed := w.applying(event(r), "p")
			killed.kill()
			killed.over()
			w.killed()
			for range 2 { // while it is at work, and when it is over
				w.terraform("apply", "p").exits(t, 0)
				if got := w.attributes("bos_staged_apply.now"); got["succeeded"] != true || got["applied_count"] != 4.0 {
					t.Errorf("state has %v", got)
				}
				actedOnce(t, r, 1)
				w.killed()
			}
		})
	}
}
