package shell

import (
	"context"
	"errors"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// Store is what a shell needs of one.
type Store interface {
	bos.Records
	bos.Sessions
	bos.Templates
	bos.History
	bos.Brakes
	bos.EngineStore
}

// Ports is everything outside that a shell needs to carry out what Step says.
// Inventory, Configuration, Artifacts, Tenants and Registry may be nil where a site has
// none.
type Ports struct {
	Store         Store
	Inventory     bos.InventorySource
	Power         bos.Power
	Boot          bos.BootParameters
	Configuration bos.Configuration
	// Proofs may be nil too.
	Proofs    bos.BootProofs
	Artifacts bos.Artifacts
	// Workload and Health are there where the engine's settings of the same name are on.
	Workload bos.WorkloadManager
	Health   bos.HealthCheck
	Tenants  bos.Tenants
	// Registry is the image registry. Without one, images are not tagged.
	Registry bos.Images
}

// CompletionFacts counts the components a session manages.
func (p Ports) CompletionFacts(ctx context.Context, s bos.SessionRecord) engine.CompletionFacts {
	facts := engine.CompletionFacts{Key: s.Key(), Revision: s.Revision}
	facts.Tally, facts.Err = p.Store.SessionTally(ctx, s.Key())
	return facts
}

// DiscoveryFacts reads the inventory and the ids BOS has.
func (p Ports) DiscoveryFacts(ctx context.Context) *engine.DiscoveryFacts {
	facts := &engine.DiscoveryFacts{}
	facts.Inventory, facts.Err = p.Inventory.Inventory(ctx)
	if facts.Err != nil {
		return facts
	}
	facts.Known, facts.Err = p.Store.ComponentIDs(ctx, bos.ComponentFilter{})
	return facts
}

// noAnswer is said of a node that an adapter has left out of its answers: a node
// without an answer would wait for ever.
const noAnswer = "the question was lost in this service; report it as a bug"

// unanswered are the ids that were not answered.
func unanswered(ids []string, answered map[string]bool) []string {
	var left []string
	for _, id := range bos.Distinct(ids) {
		if !answered[id] {
			left = append(left, id)
		}
	}
	return left
}

// Probe asks for the power of nodes and calls each once per node, never concurrently.
func (p Ports) Probe(ctx context.Context, ids []string, each func(bos.PowerReading)) {
	answered := make(map[string]bool, len(ids))
	p.Power.Probe(ctx, ids, func(r bos.PowerReading) { answered[r.ID] = true; each(r) })
	for _, id := range unanswered(ids, answered) {
		each(bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Detail: noAnswer})
	}
}

// ProbeConfiguration asks for the configuration of nodes likewise.
func (p Ports) ProbeConfiguration(ctx context.Context, ids []string, each func(bos.ConfigurationReading)) {
	answered := make(map[string]bool, len(ids))
	p.Configuration.Probe(ctx, ids, func(r bos.ConfigurationReading) { answered[r.ID] = true; each(r) })
	for _, id := range unanswered(ids, answered) {
		each(bos.ConfigurationReading{ID: id, Symptom: bos.SymptomSilent, Detail: noAnswer})
	}
}

// ProbeProofs asks for the proofs of boots likewise.
func (p Ports) ProbeProofs(ctx context.Context, asks []bos.ProofAsk, each func(bos.ProofReading)) {
	answered := make(map[string]bool, len(asks))
	p.Proofs.Probe(ctx, asks, func(r bos.ProofReading) { answered[r.ID] = true; each(r) })
	for _, ask := range asks {
		if !answered[ask.ID] { // of which proof nobody can say anything is part of the answer
			each(bos.ProofReading{ID: ask.ID, Proof: ask.Proof, Detail: noAnswer})
		}
	}
}

// Run carries a batch out and calls each once per node, never concurrently.
func (p Ports) Run(ctx context.Context, b decide.Batch, each func(engine.Result)) {
	answered := make(map[string]bool, len(b.IDs))
	result := func(res bos.CallResult) {
		answered[res.ID] = true
		each(engine.Result{Effect: b.Effect, CallResult: res})
	}
	defer func() {
		for _, id := range unanswered(b.IDs, answered) {
			each(engine.Result{Effect: b.Effect, CallResult: bos.CallResult{ID: id, Outcome: bos.CallUnknown, Detail: noAnswer}})
		}
	}()
	switch b.Effect.Kind {
	case bos.EffectWriteBoot:
		p.writeBoot(ctx, b, answered, each)
	case bos.EffectConfigure:
		p.Configuration.Set(ctx, b.Effect.Configuration, b.IDs, result)
	case bos.EffectDrain:
		p.Workload.Drain(ctx, b.Effect.Reason, b.IDs, result)
	case bos.EffectReword:
		p.Workload.Reword(ctx, b.Effect.Reason, b.IDs, result)
	case bos.EffectReturn:
		p.Workload.Return(ctx, b.Effect.Reason, b.IDs, result)
	default:
		p.Power.Apply(ctx, b.Effect.Kind.PowerOp(), b.IDs, result)
	}
}

func (p Ports) writeBoot(ctx context.Context, b decide.Batch, answered map[string]bool, each func(engine.Result)) {
	ids, denied := bos.Permitted(ctx, b.IDs)
	for _, id := range denied {
		answered[id] = true
		each(engine.Result{Effect: b.Effect, CallResult: bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted}})
	}
	if len(ids) == 0 {
		return
	}
	token, err := p.Boot.Write(ctx, ids, b.Effect.Artifacts)
	var refused bos.NodeErrors
	if errors.As(err, &refused) {
		err = nil
	}
	res := bootResult(err)
	for _, id := range ids {
		answered[id] = true
		one := engine.Result{Effect: b.Effect, Token: token, CallResult: res}
		if of := refused[id]; of != nil {
			one.Token, one.CallResult = "", bootResult(of)
		}
		one.ID = id
		each(one)
	}
}

func bootResult(err error) bos.CallResult {
	var call *bos.CallError
	switch {
	case err == nil:
		return bos.CallResult{Outcome: bos.CallDone}
	case errors.As(err, &call):
		return bos.CallResult{Outcome: call.Outcome, Cause: call.Cause, Detail: call.Detail}
	default:
		return bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
	}
}
