package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// Inputs is what happened since the last step. Every field may be empty.
type Inputs struct {
	// Times are what the clock says beside the time of the step.
	Times Times
	// Options are set when they changed, and so is the pause of the site.
	Options   *bos.Options
	SitePause *bos.SitePause
	// Committed is what became of the Commit of the last step, nil if it was
	// empty.
	Committed *bos.Committed
	// Flights are calls that an engine before this one started and that are not
	// answered: their nodes wait for that. They are given with a cold start.
	Flights map[string]bos.EffectKind
	// Records are components as they are stored now, because they were
	// loaded, or written by somebody else.
	Records []bos.Record
	// Deleted are components without a record.
	Deleted []string
	// Dropped are nodes whose effect was not started, because the commit
	// it came with met a newer record; that record is among Records.
	Dropped []string
	// Sessions are sessions as they are stored now; GoneSessions have no
	// record any more.
	Sessions     []bos.SessionRecord
	GoneSessions []bos.SessionKey
	// Readings answer Probes, Configurations ConfigurationProbes, Results
	// Effects.
	Readings       []bos.PowerReading
	Configurations []bos.ConfigurationReading
	// Proofs answer ProofProbes.
	Proofs []bos.ProofReading
	// Workloads answer WorkloadProbes, Healths HealthProbes.
	Workloads []bos.WorkloadReading
	Healths   []bos.HealthReading
	Results   []Result
	// Setups, Completions and Discovery answer the requests of the same name.
	Setups      []SetupFacts
	Completions []CompletionFacts
	Discovery   *DiscoveryFacts
	// Rollouts answer the request of the same name.
	Rollouts []RolloutFacts
	// Acted says that an engine before this one may have started a power action
	// a moment ago, where that matters for the power limits. It is given once,
	// with a cold start.
	Acted bool
	// Hints are nodes of which somebody says that their power has changed or
	// may have. A hint makes a probe that is waited for come soon. It is never
	// taken for a fact, and of a node that waits for nothing it is dropped.
	Hints []string
	// Scripts are boot scripts that were given out. Of a node that is not in work they
	// are dropped.
	Scripts []bos.ScriptFetch
}

// Result is the answer to an effect for one node.
type Result struct {
	Effect bos.Effect
	Token  string
	bos.CallResult
	// Withheld says that nothing was sent as the node was no longer to be acted on.
	Withheld bool
}

// SetupFacts is all that setting up a session depends on. Err is set when some
// of it could not be read now; Invalid when it never will.
type SetupFacts struct {
	Key bos.SessionKey
	// Revision is that of the session they were gathered for.
	Revision  int64
	Inventory bos.Inventory
	// Reach is what its tenant has, or the whole site.
	Reach bos.Reach
	// Components are those that BOS has of the names of the limit that the
	// inventory does not know.
	Components []string
	// Held are the nodes on which there is a hold, with its reason.
	Held   map[string]string
	Images map[string]bos.Image
	// Warnings are kept in the history of the session.
	Warnings []string
	Err      error
	Invalid  error
}

// CompletionFacts is the components a session manages, counted.
type CompletionFacts struct {
	Key bos.SessionKey
	// Revision is that of the session whose components were counted.
	Revision int64
	Tally    bos.Tally
	Err      error
}

// DiscoveryFacts is the inventory with the ids that BOS already has.
type DiscoveryFacts struct {
	Inventory bos.Inventory
	Known     []string
	Err       error
}

// Outputs is what shall be done now, in this order: the commits, then all the
// rest.
type Outputs struct {
	// Commit is the pass; empty if it holds nothing.
	Commit bos.Commit
	// SetUps set sessions up, each in a transaction of its own. Give what it
	// wrote back as Inputs, or the session as it is now where that has changed.
	SetUps []bos.Setup
	// Effects are to be started once Commit is durable, without the nodes
	// it conflicted on.
	Effects []decide.Batch
	// Orders is what each node of Effects was decided on for: a call is void
	// once something else is wanted of its node.
	Orders map[string]bos.Order
	// Probes are the nodes whose power is to be read, ConfigurationProbes
	// those that the configuration service is to be asked about.
	Probes              []string
	ConfigurationProbes []string
	// ProofProbes are the proofs of boots that are to be asked for.
	ProofProbes []bos.ProofAsk
	// WorkloadProbes are the nodes that the workload manager is to be asked about,
	// HealthProbes those whose health is to be checked.
	WorkloadProbes, HealthProbes []string
	// Setups and Completions are sessions whose facts are wanted; those of
	// Setups together, as one round (Ports.SetupRound).
	Setups      []bos.SessionRecord
	Completions []bos.SessionRecord
	// Rollouts are the sessions with a rollout of whose nodes the outcomes are wanted.
	Rollouts []bos.SessionRecord
	// Discover asks for the inventory.
	Discover bool
	// Clean asks to remove what is old; nil asks for nothing.
	Clean *Clean
	// Outage is the begin or the end of an outage of the BMCs; nil where neither is.
	Outage *Outage
	// More says that nodes are left that this step did not decide on: the next one is
	// to follow at once.
	More bool
	// Wake is when to step again without new input; zero for never.
	Wake time.Time
}

// Empty reports whether a commit holds nothing to write.
func Empty(c bos.Commit) bool {
	return len(c.Components) == 0 && len(c.Sessions) == 0 && len(c.Expired) == 0 && len(c.Tokens) == 0 && len(c.Events) == 0
}

// Empty reports whether nothing happened.
func (in Inputs) Empty() bool {
	return in.Options == nil && in.SitePause == nil && len(in.Records) == 0 && len(in.Deleted) == 0 && len(in.Dropped) == 0 &&
		len(in.Sessions) == 0 && len(in.GoneSessions) == 0 && len(in.Readings) == 0 && len(in.Configurations) == 0 && len(in.Proofs) == 0 && len(in.Workloads) == 0 && len(in.Healths) == 0 && len(in.Results) == 0 &&
		len(in.Setups) == 0 && len(in.Completions) == 0 && len(in.Rollouts) == 0 && in.Discovery == nil && len(in.Hints) == 0 && len(in.Scripts) == 0
}

// Survivors splits batches into what may start and the nodes whose record was
// overtaken.
func Survivors(batches []decide.Batch, conflicts []string) (kept []decide.Batch, dropped []string) {
	lost := make(map[string]bool, len(conflicts))
	for _, id := range conflicts {
		lost[id] = true
	}
	for _, b := range batches {
		var ids []string
		for _, id := range b.IDs {
			if lost[id] {
				dropped = append(dropped, id)
			} else {
				ids = append(ids, id)
			}
		}
		if len(ids) > 0 {
			kept = append(kept, decide.Batch{Effect: b.Effect, Session: b.Session, IDs: ids})
		}
	}
	return kept, dropped
}
