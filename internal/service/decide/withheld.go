package decide

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// withheldWait is how long a call that this service did not make waits before its node is
// decided on anew: what kept it may take a moment to be known, such as a lease.
const withheldWait = time.Second

// Withhold is the record after an effect was not started because a brake was put on
// in time: as if it had not been decided.
func Withhold(r bos.Record, kind bos.EffectKind) bos.Record {
	if r.Work.Flight.Kind != kind || kind.PowerOp() == "" {
		return r
	}
	if r.Work.Attempt.Resent {
		r.Work.Flight.Kind, r.Work.Attempt.Resent = bos.EffectNone, false
		return r
	}
	return giveBack(r, kind)
}

// keptBack is the record after this service did not make a call for another reason:
// likewise, but for a moment's wait. Nobody was asked, so nobody is to blame, and it
// says nothing of how often it was tried.
func keptBack(r bos.Record, kind bos.EffectKind, res bos.CallResult, now time.Time) bos.Record {
	r = Withhold(r, kind)
	r.Work.BackOff.Until, r.Work.BackOff.Deferral = now.Add(withheldWait), 0
	r.Wait(bos.Waiting{For: bos.WaitWithheld, Detail: res.Detail})
	return r
}
