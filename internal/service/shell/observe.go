package shell

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// Observer is told what the shell does, for whoever counts. Times are monotonic. Its
// methods are called from several goroutines and must not block.
type Observer interface {
	// Loaded tells what was loaded, as it is stored now; fresh says that these are all
	// records that are in work.
	Loaded(at time.Duration, fresh bool, records []bos.Record, gone []string, sessions []bos.SessionRecord, ended []bos.SessionKey)
	// Committed tells what a pass made durable, what of it was left alone, and the calls
	// that start with it.
	Committed(at time.Duration, commit bos.Commit, left bos.Conflicts, effects []decide.Batch)
	// Answered tells how the call for one node ended.
	Answered(kind bos.EffectKind, outcome bos.CallOutcome, took time.Duration)
	// Passed tells how long a pass took.
	Passed(took time.Duration)
}

// nobody observes where nobody counts.
type nobody struct{}

func (nobody) Loaded(time.Duration, bool, []bos.Record, []string, []bos.SessionRecord, []bos.SessionKey) {
}
func (nobody) Committed(time.Duration, bos.Commit, bos.Conflicts, []decide.Batch) {}
func (nobody) Answered(bos.EffectKind, bos.CallOutcome, time.Duration)            {}
func (nobody) Passed(time.Duration)                                               {}

// tellLoaded tells the observer of what a pass takes in.
func (s *Shell) tellLoaded(fresh bool, in *engine.Inputs) {
	s.Observer.Loaded(s.Runtime.Mono(), fresh, in.Records, in.Deleted, in.Sessions, in.GoneSessions)
}
