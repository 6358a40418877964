package service

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestWhyANodeWaitsGoesByTheMaxUnreachableTimeOfTheSite(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.end()
		w.config.MaxUnreachable = time.Hour
		w.start()
		w.probe = func(id string) (bos.PowerReading, bool) {
			return bos.PowerReading{Symptom: bos.SymptomSilent}, id == nodeName(2)
		}
		w.session("s", "boot", "t", "")
		w.advance(20 * time.Minute)
		var why bos.Why
		w.get("/x/v1/components/"+nodeName(2)+"/why", &why)
		if why.WaitsFor.Reason != bos.WaitBMC || !strings.Contains(why.Next.Sentence, "after 4") { // some 40 minutes more
			t.Errorf("it says %+v", why)
		}
	})
}
