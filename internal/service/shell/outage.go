package shell

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// tellOutage logs the begin and the end of an outage of the BMCs.
func (s *Shell) tellOutage(o *engine.Outage) {
	switch {
	case o == nil:
	case o.Over:
		s.Log.Info("the BMCs answer again", "after", o.For.Round(time.Second), "still_bad", o.Bad, "known", o.All)
	default:
		s.Log.Warn("the BMCs of many nodes do not answer as they should; what needs them waits", "bad", o.Bad, "known", o.All, "such_as", o.Node, "answer", o.Answer)
	}
}
