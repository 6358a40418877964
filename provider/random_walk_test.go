package provider_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var (
	randomWalks = flag.Int("walks", 3, "random walks of the provider")
	randomSeed  = flag.Uint64("walkseed", 0, "seed of the first random walk; 0 takes another one each time")
)

const randomSteps = 14

// stored is a resource as Terraform keeps it; version changes with each write.
type stored struct {
	value    *tfprotov6.DynamicValue // nil while there is none
	private  []byte
	identity *tfprotov6.ResourceIdentityData
	version  int
}

// savedPlan is a plan for one session, and for which state it holds.
type savedPlan struct {
	config          map[string]any
	planned         map[string]tftypes.Value
	private         []byte
	create, replace bool
	empty           bool
	version         int
	applying        bool
	// ran is the session that was made by it, empty if none was yet.
	ran   string
	nodes []string
	// took is how often it had each node take what was staged for it.
	took map[string]int
	// replaced is the name in the state that its apply replaces.
	replaced string
	// warned are the headlines of its warnings.
	warned []string
}

// ground is what all wanderers of a walk share.
type ground struct {
	*newerCore
	room *realBOS
	rand *rand.Rand
	sent *recorder
	// whole lets sessions of this walk have no limit.
	whole bool
	// allowed are the nodes that some plan that was applied named, or that somebody
	// else acted on.
	allowed map[string]bool
	// holds are what is held, as BOS should have it.
	holds map[string]walkedHold
	// read is up to where the history was read.
	read  int64
	trace []string
}

// wanderer does what Terraform does with one resource, in the process of the
// test, and everything that may come between.
type wanderer struct {
	*ground
	kind  walkedKind
	state stored
	plans []*savedPlan
	conf  map[string]any
}

func (w *ground) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

func (w *ground) failf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s, after\n  %s", fmt.Sprintf(format, args...), strings.Join(w.trace, "\n  "))
}

// process is a provider that was started anew for one walk.
func (w *ground) process(applying bool) tfprotov6.ProviderServer {
	server := newServer()
	config := w.value(w.schema.Provider, map[string]any{"endpoint": w.endpoint, "applying": applying})
	resp, err := server.ConfigureProvider(w.t.Context(), &tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.11.4", Config: config})
	if err != nil {
		w.t.Fatal(err)
	}
	w.clean(resp.Diagnostics)
	return server
}

func (w *wanderer) resourceSchema() *tfprotov6.Schema { return w.schema.ResourceSchemas[w.kind.name] }

func (w *wanderer) null() *tfprotov6.DynamicValue {
	kind := w.resourceSchema().ValueType()
	value, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, nil))
	if err != nil {
		w.t.Fatal(err)
	}
	return &value
}

func (w *wanderer) members(value *tfprotov6.DynamicValue) map[string]tftypes.Value {
	members := make(map[string]tftypes.Value)
	if value == nil {
		return members
	}
	got, err := value.Unmarshal(w.resourceSchema().ValueType())
	if err != nil {
		w.t.Fatal(err)
	}
	if got.IsNull() {
		return members
	}
	if err := got.As(&members); err != nil {
		w.t.Fatal(err)
	}
	return members
}

// proposed is what Terraform proposes: the configuration, and where that is null
// and the provider computes it, what there is.
func (w *wanderer) proposed(config, prior *tfprotov6.DynamicValue) *tfprotov6.DynamicValue {
	given, was := w.members(config), w.members(prior)
	for _, attribute := range w.resourceSchema().Block.Attributes {
		given[attribute.Name] = w.proposedOf(attribute, given[attribute.Name], was[attribute.Name])
	}
	kind := w.resourceSchema().ValueType()
	value, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, given))
	if err != nil {
		w.t.Fatal(err)
	}
	return &value
}

// proposedOf is what Terraform proposes for one attribute.
func (w *wanderer) proposedOf(attribute *tfprotov6.SchemaAttribute, given, was tftypes.Value) tftypes.Value {
	switch {
	case given.IsNull() && attribute.Computed && was.Type() != nil:
		return was
	case given.IsNull() && attribute.Computed:
		return tftypes.NewValue(given.Type(), tftypes.UnknownValue)
	case given.IsNull() || attribute.NestedType == nil || attribute.NestedType.Nesting != tfprotov6.SchemaObjectNestingModeSingle:
		return given
	}
	var now, before map[string]tftypes.Value
	if err := given.As(&now); err != nil {
		w.t.Fatal(err)
	}
	if was.Type() != nil && was.IsKnown() && !was.IsNull() {
		if err := was.As(&before); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, member := range attribute.NestedType.Attributes {
		now[member.Name] = w.proposedOf(member, now[member.Name], before[member.Name])
	}
	return tftypes.NewValue(given.Type(), now)
}

func (w *wanderer) planChange(server tfprotov6.ProviderServer, given map[string]any, prior stored) (*tfprotov6.PlanResourceChangeResponse, error) {
	config, was := w.value(w.resourceSchema(), given), prior.value
	if was == nil {
		was = w.null()
	}
	resp, err := server.PlanResourceChange(w.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: w.kind.name, Config: config, PriorState: was, ProposedNewState: w.proposed(config, prior.value), PriorPrivate: prior.private, PriorIdentity: prior.identity,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return resp, fmt.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
	return resp, nil
}

// refresh reads what became of the session.
func (w *wanderer) refresh(server tfprotov6.ProviderServer) {
	if w.state.value == nil {
		return
	}
	resp, err := server.ReadResource(w.t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: w.kind.name, CurrentState: w.state.value, Private: w.state.private, CurrentIdentity: w.state.identity,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.clean(resp.Diagnostics)
	w.state.value, w.state.private, w.state.identity = resp.NewState, resp.Private, resp.NewIdentity
	if len(w.members(resp.NewState)) == 0 {
		w.state.value = nil
	}
}

// plan is "terraform plan -out".
func (w *wanderer) plan(applying bool) *savedPlan {
	w.sent.take()
	server := w.process(false)
	w.refresh(server)
	p := &savedPlan{config: maps.Clone(w.conf), version: w.state.version, applying: applying, create: w.state.value == nil, took: make(map[string]int)}
	prior := w.state
	resp, err := w.planChange(server, p.config, prior)
	p.warned = append(p.warned, warnings(resp)...)
	if err == nil && len(resp.RequiresReplace) > 0 {
		p.create, p.replace = true, true
		resp, err = w.planChange(server, p.config, stored{})
		p.warned = append(p.warned, warnings(resp)...)
	}
	for _, r := range w.sent.take() {
		if !r.asks() {
			w.failf("a plan sends %s", r)
		}
	}
	if err != nil {
		w.note("plan of %s %v refused: %.150s", w.kind.name, p.config, err)
		return nil
	}
	p.planned, p.private = w.members(resp.PlannedState), resp.PlannedPrivate
	p.empty = !p.create && bytes.Equal(resp.PlannedState.MsgPack, w.state.value.MsgPack)
	p.nodes = w.kind.named(w, p)
	w.note("plan %d of %s %v: create %t, replace %t, empty %t", len(w.plans), w.kind.name, p.config, p.create, p.replace, p.empty)
	w.plans = append(w.plans, p)
	if p.empty && w.kind.name == "bos_component" {
		w.holdStands()
	}
	return p
}

func (w *wanderer) texts(folded tftypes.Value) []string {
	var text string
	if folded.IsNull() || !folded.IsKnown() || folded.As(&text) != nil {
		return nil
	}
	ids, err := bos.Expand(text, bos.MaxExpand)
	if err != nil || text == "" {
		return nil
	}
	return ids
}

// apply is "terraform apply" of a saved plan; what it returns is kept unless the
// process is killed.
func (w *wanderer) apply(p *savedPlan, killed bool) {
	if p.version != w.state.version {
		return // Terraform: "Saved plan is stale"
	}
	before := w.names()
	w.news()
	w.sent.take()
	old := w.state
	server := w.process(p.applying)
	if p.replace && w.state.value != nil {
		if name := w.members(w.state.value)["name"]; name.Type() != nil {
			if err := name.As(&p.replaced); err != nil {
				w.t.Fatal(err)
			}
		}
		if _, err := w.change(server, w.state, &tfprotov6.PlanResourceChangeResponse{PlannedState: w.null()}, p.config); err != nil {
			w.failf("destroying fails: %s", err)
		}
		w.state.value, w.state.private = nil, nil
	}
	outcome := "done"
	resp, err := w.planChange(server, p.config, w.state)
	if err == nil {
		err = w.consistent(p, resp)
	}
	if err == nil {
		for _, id := range p.nodes {
			w.allowed[id] = true
		}
		var after stored
		if after, err = w.change(server, w.state, resp, p.config); err == nil {
			w.state = after
		}
	}
	if err != nil {
		outcome = fmt.Sprintf("refused: %.200s", err)
	}
	w.state.version = old.version + 1
	if killed {
		w.state, outcome = old, outcome+", and killed"
	}
	w.note("apply: %s", outcome)
	sent := w.sent.take()
	w.judge(p, before)
	for _, e := range w.news() {
		if e.Kind == "stage_applied" {
			if p.took[e.Component]++; p.took[e.Component] > 1 {
				w.failf("a plan has %s take what was staged for it %d times", e.Component, p.took[e.Component])
			}
		}
	}
	w.kind.judge(w, p, sent)
}

// consistent is Terraform's check that what was known at plan is still so.
func (w *wanderer) consistent(p *savedPlan, now *tfprotov6.PlanResourceChangeResponse) error {
	for name, value := range w.members(now.PlannedState) {
		if was := p.planned[name]; was.IsFullyKnown() && !was.Equal(value) {
			return fmt.Errorf("provider produced inconsistent final plan: %s", name)
		}
	}
	return nil
}

func (w *wanderer) change(server tfprotov6.ProviderServer, prior stored, planned *tfprotov6.PlanResourceChangeResponse, config map[string]any) (stored, error) {
	was, given := prior.value, w.value(w.resourceSchema(), config)
	if was == nil {
		was = w.null()
	}
	if len(w.members(planned.PlannedState)) == 0 {
		given = w.null()
	}
	resp, err := server.ApplyResourceChange(w.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: w.kind.name, PriorState: was, PlannedState: planned.PlannedState, Config: given, PlannedPrivate: planned.PlannedPrivate, PlannedIdentity: planned.PlannedIdentity,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return prior, fmt.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
	return stored{value: resp.NewState, private: resp.Private, identity: resp.NewIdentity}, nil
}

// news is what BOS did since it was asked last, the oldest first.
func (w *ground) news() (all []bos.Event) {
	for {
		var page bos.EventPage
		if err := json.Unmarshal([]byte(request(w.t, "GET", fmt.Sprintf("%s/x/v1/events?after=%d", w.room.url, w.read))), &page); err != nil {
			w.t.Fatal(err)
		}
		w.read = page.Last
		if len(page.Events) == 0 {
			return all
		}
		all = append(all, page.Events...)
	}
}

func (w *ground) names() map[string]bos.Session {
	all := make(map[string]bos.Session)
	for _, s := range w.room.sessions(w.t) {
		all[s.Name] = s
	}
	return all
}

// judge holds an apply to what its plan said: it starts one session at most, only if
// the plan creates one and never a second time, and that on planned nodes.
func (w *wanderer) judge(p *savedPlan, before map[string]bos.Session) {
	w.t.Helper()
	for name, s := range w.names() {
		if _, was := before[name]; was {
			continue
		}
		if !p.create || p.ran != "" {
			w.failf("session %s was started by a plan that creates none, or had been carried out by %q", name, p.ran)
		}
		p.ran = name
		for _, id := range strings.FieldsFunc(s.Components, func(r rune) bool { return r == ',' }) {
			if !slices.Contains(p.nodes, id) {
				w.failf("session %s acts on %s, and the plan named %v", name, id, p.nodes)
			}
		}
	}
}

// touched fails if a node had a power action that no applied plan named and nobody
// else ordered.
func (w *ground) touched() {
	w.t.Helper()
	for _, id := range w.room.nodes() {
		if n := len(w.room.room.Room().Resets(id)); n > 0 && !w.allowed[id] {
			w.failf("%s had %d power actions, and no plan named it", id, n)
		}
	}
}

// step does one thing at random.
func (w *wanderer) step() {
	switch pick := w.rand.IntN(11 + w.kind.stories); {
	case pick > 10:
		w.kind.story(w)
	case pick == 10:
		w.destroy(w.rand.IntN(2) == 0)
	case pick < 4:
		w.kind.edit(w)
	case pick == 4:
		w.kind.drift(w)
	case pick == 5:
		w.drift()
	case pick == 6:
		// Without applying = terraform.applying an older Terraform does not tell by
		// which plan it applies.
		if older := slices.DeleteFunc(slices.Clone(w.plans), func(p *savedPlan) bool { return !p.applying }); len(older) > 0 {
			w.note("an older plan of %s is applied again", w.kind.name)
			w.apply(older[w.rand.IntN(len(older))], w.rand.IntN(2) == 0)
		}
	default:
		if p := w.plan(w.rand.IntN(3) > 0); p != nil {
			if w.rand.IntN(3) == 0 {
				w.kind.drift(w)
			}
			killed := w.rand.IntN(3) == 0
			w.apply(p, killed)
			if killed && p.applying && w.rand.IntN(2) == 0 {
				w.note("the plan of %s is applied again after the kill", w.kind.name)
				w.apply(p, false)
			}
		}
	}
	w.touched()
}

// Bounds of applying in peace: how often BOS may be found at work on nodes that others
// asked for, and how often something may be left to do once it is at rest.
const (
	mostRounds     = 1000
	mostRoundsIdle = 4
)

// settle applies in peace, after which there is nothing left to do.
func (w *wanderer) settle() {
	w.kind.calm(w)
	idle := 0
	for range mostRounds {
		if w.atRest() {
			idle++
		}
		p := w.plan(true)
		for p == nil && w.t.Context().Err() == nil { // others may be at work on the nodes, which are spared
			rest := w.atRest()
			if p = w.plan(true); rest {
				break
			}
		}
		if p == nil {
			w.failf("nothing can be planned")
		}
		if p.empty {
			w.touched()
			w.kind.stands(w)
			return
		}
		if idle == mostRoundsIdle {
			break
		}
		w.apply(p, false)
	}
	w.failf("the plan of %s after an apply is not empty", w.kind.name)
}

// atRest reports whether BOS has no node in work and no session to set up.
func (w *ground) atRest() bool {
	var working, pending []struct{}
	for path, into := range map[string]*[]struct{}{"/v2/components?enabled=true": &working, "/v2/sessions?status=pending": &pending} {
		if err := json.Unmarshal([]byte(request(w.t, "GET", w.endpoint+path)), into); err != nil {
			w.t.Fatal(err)
		}
	}
	return len(working)+len(pending) == 0
}

// TestWhateverHappensNoNodeIsTouchedThatNoPlanNamedAndNothingRunsTwice looks for a
// provider that lifts the hold of somebody else, be it for another reason or for the same,
// that takes it for its own, sends neither receipt nor key of the run, applies staged state
// without its receipt, sends an empty limit or none for one that is given, asks for an
// enabled that was asked for before, or plans anew after an apply. Chance decides which of
// these the few walks of one run come by, so that a run that finds nothing proves nothing.
// More walks (-walks) find more; -walkseed with the number of a failed one draws the same.
func TestWhateverHappensNoNodeIsTouchedThatNoPlanNamedAndNothingRunsTwice(t *testing.T) {
	t.Parallel()
	first := *randomSeed
	if first == 0 {
		first = rand.Uint64()
	}
	for i := range *randomWalks {
		seed := first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := startReal(t, 20*time.Millisecond)
			r.aTemplate(t, "quiet")
			sent := recorded(t, r)
			g := &ground{
				newerCore: coreAt(t, sent.url), room: r, sent: sent, rand: rand.New(rand.NewPCG(seed, 1)), allowed: make(map[string]bool), holds: make(map[string]walkedHold),
			}
			g.whole = g.rand.IntN(3) == 0
			var all []*wanderer
			for _, kind := range walkedKinds() {
				all = append(all, &wanderer{ground: g, kind: kind, conf: kind.begin(r)})
			}
			for range randomSteps {
				for _, w := range all {
					w.step()
				}
			}
			for _, w := range all {
				w.settle()
			}
		})
	}
}
