package shell_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// upstreams is an inventory of one node, an image store that has everything,
// and an image registry that notes its tags.
type upstreams struct {
	tags []string
	err  error
}

func (*upstreams) Inventory(context.Context) (bos.Inventory, error) {
	return bos.Inventory{Nodes: []bos.Node{{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true}}}, nil
}

func (*upstreams) Image(_ context.Context, path string) (bos.Image, error) {
	file := bos.Artifact{Path: path + "/file", ETag: "e"}
	return bos.Image{Path: path, Kernel: file, Initrd: file, Rootfs: file}, nil
}

func (*upstreams) ImageRecord(context.Context, string) (bos.ImageRecord, error) {
	return bos.ImageRecord{}, errors.New("setup asks for nothing but the tag")
}

func (u *upstreams) Tag(_ context.Context, id, key, value string) error {
	if u.err == nil {
		u.tags = append(u.tags, id+" "+key+"="+value)
	}
	return u.err
}

// sbpsSession boots the node from three boot sets of which two are by sbps, one
// of them without a node.
func sbpsSession(op bos.Operation) bos.SessionRecord {
	set := func(path, provider, role string) bos.BootSet {
		return bos.BootSet{Path: path, Type: "s3", RootfsProvider: provider, NodeRolesGroups: []string{role}, Arch: bos.ArchX86}
	}
	return bos.SessionRecord{
		Session: bos.Session{Name: "s", Operation: op, Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(start)}},
		Created: start, Template: bos.SessionTemplate{Name: "t", BootSets: map[string]bos.BootSet{
			"a": set("s3://boot-images/one/manifest.json", "SBPS", "Compute"),
			"b": set("s3://boot-images/two/manifest.json", "sbps", "Nobody"),
			"c": set("s3://boot-images/three/manifest.json", "", "Nobody"),
		}},
	}
}

func openStore(t *testing.T) bos.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestImagesOfSBPSAreTaggedBeforeASessionIsSetUp(t *testing.T) {
	up := &upstreams{}
	ports := shell.Ports{Store: openStore(t), Inventory: up, Artifacts: up, Registry: up}
	facts := ports.SetupFacts(t.Context(), sbpsSession(bos.OperationBoot))
	if facts.Err != nil || facts.Invalid != nil || !slices.Equal(up.tags, []string{"one sbps-project=true"}) {
		t.Errorf("tags %q, %v, %v", up.tags, facts.Err, facts.Invalid)
	}
	up.tags = nil
	ports.SetupFacts(t.Context(), sbpsSession(bos.OperationShutdown))
	if len(up.tags) != 0 {
		t.Errorf("a shutdown tagged %q", up.tags)
	}
}

func TestATagThatCannotBeSetHoldsTheSetupUntilTheRegistryIsBack(t *testing.T) {
	up := &upstreams{err: errors.New("connection refused")}
	ports := shell.Ports{Store: openStore(t), Inventory: up, Artifacts: up, Registry: up}
	session := sbpsSession(bos.OperationBoot)
	if err := ports.Store.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	e := engine.New(engine.Settings{NoInventory: true})
	out := e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{session}})
	if len(out.Setups) != 1 {
		t.Fatalf("setups %v", out.Setups)
	}
	out = e.Step(start, engine.Inputs{Setups: []engine.SetupFacts{ports.SetupFacts(t.Context(), session)}})
	if len(out.SetUps) != 0 || len(out.Commit.Sessions) != 1 || !strings.Contains(*out.Commit.Sessions[0].Status.Error, "cannot tag image") {
		t.Fatalf("%+v", out.Commit.Sessions)
	}
	up.err = nil
	out = e.Step(start.Add(time.Minute), engine.Inputs{})
	if len(out.Setups) != 1 {
		t.Fatalf("setups %v: it is tried again", out.Setups)
	}
	if facts := ports.SetupFacts(t.Context(), out.Setups[0]); facts.Err != nil || len(up.tags) != 1 {
		t.Errorf("tags %q, %v", up.tags, facts.Err)
	}
	up.err = bos.ErrNotFound
	if facts := ports.SetupFacts(t.Context(), session); facts.Invalid == nil || !strings.Contains(facts.Invalid.Error(), `"one"`) {
		t.Errorf("an image that the registry does not have: %v", facts.Invalid)
	}
}

func TestWithoutARegistryTheHistorySaysThatNothingWasTagged(t *testing.T) {
	up := &upstreams{}
	ports := shell.Ports{Store: openStore(t), Inventory: up, Artifacts: up}
	session := sbpsSession(bos.OperationBoot)
	facts := ports.SetupFacts(t.Context(), session)
	e := engine.New(engine.Settings{NoInventory: true})
	e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{session}})
	out := e.Step(start, engine.Inputs{Setups: []engine.SetupFacts{facts}})
	if len(out.SetUps) != 1 {
		t.Fatalf("%+v", out)
	}
	var warned bool
	nodes := []bos.Record{{Component: bos.Component{ID: "x1c0s0b0n0"}}}
	did := out.SetUps[0].Arm(&session, nodes)
	events := did.Events
	for _, event := range events {
		warned = warned || event.Kind == "session_warning" && strings.Contains(event.Detail, "images.ims")
	}
	if !warned || !nodes[0].Enabled || !slices.Equal(did.Nodes, []string{"x1c0s0b0n0"}) {
		t.Errorf("%+v, %+v, %+v", events, nodes, session)
	}
}

// forgetful is a power control that leaves the first of its nodes out of each answer.
type forgetful struct{}

func (forgetful) Probe(_ context.Context, ids []string, each func(bos.PowerReading)) {
	for _, id := range ids[1:] {
		each(bos.PowerReading{ID: id, State: bos.PowerStateOn})
	}
}

func (forgetful) Apply(_ context.Context, _ bos.PowerOp, ids []string, each func(bos.CallResult)) {
	for _, id := range ids[1:] {
		each(bos.CallResult{ID: id})
	}
}

func TestANodeThatAnAdapterLeavesOutIsAnsweredAllTheSame(t *testing.T) {
	ports := shell.Ports{Power: forgetful{}}
	ids := []string{"a", "b", "c", "b"}
	read := make(map[string]bos.PowerReading)
	ports.Probe(t.Context(), ids, func(r bos.PowerReading) { read[r.ID] = r })
	if len(read) != 3 || read["a"].Symptom != bos.SymptomSilent || read["a"].Detail == "" || read["b"].State != bos.PowerStateOn {
		t.Errorf("read %+v, want an answer for each, and none invented", read)
	}
	done := make(map[string]engine.Result)
	ports.Run(t.Context(), decide.Batch{Effect: bos.Effect{Kind: bos.EffectPowerOn}, IDs: ids}, func(r engine.Result) { done[r.ID] = r })
	if len(done) != 3 || done["a"].Outcome != bos.CallUnknown || done["b"].Outcome != bos.CallDone {
		t.Errorf("done %+v", done)
	}
}

// counted counts how often the inventory and images are read.
type counted struct {
	upstreams
	inventories, images int
}

func (c *counted) Inventory(ctx context.Context) (bos.Inventory, error) {
	c.inventories++
	return c.upstreams.Inventory(ctx)
}

func (c *counted) Image(ctx context.Context, path string) (bos.Image, error) {
	c.images++
	return c.upstreams.Image(ctx, path)
}

func TestAThousandPendingSessionsReadTheInventoryAndTheirImagesAFewTimes(t *testing.T) {
	up := &counted{}
	ports := shell.Ports{Store: openStore(t), Inventory: up, Artifacts: up, Registry: up}
	e := engine.New(engine.Settings{})
	var sessions []bos.SessionRecord
	for i := range 1000 {
		s := sbpsSession(bos.OperationBoot)
		s.Name, s.Revision = fmt.Sprint("s", i), int64(i+1)
		sessions = append(sessions, s)
	}
	out := e.Step(start, engine.Inputs{Sessions: sessions})
	answered, rounds := 0, 0
	for len(out.Setups) > 0 {
		var next engine.Inputs
		ports.SetupRound(t.Context(), out.Setups, nil, func(facts engine.SetupFacts) {
			answered++
			next.Setups = append(next.Setups, facts)
		})
		rounds++
		out = e.Step(start, next)
	}
	if answered != len(sessions) || rounds > 4 || up.inventories > rounds || up.images > 3*rounds {
		t.Errorf("%d sessions in %d rounds read the inventory %d times and images %d times", answered, rounds, up.inventories, up.images)
	}
}

// mum is asked for proofs and leaves nodes out of its answers.
type mum struct{}

func (mum) Probe(context.Context, []bos.ProofAsk, func(bos.ProofReading)) {}

// One that counted as never asked for would be asked for again at once, without end, and
// its node would never be powered on.
func TestAProofThatIsLeftOutOfTheAnswersIsUnknownAndCountsAsAskedFor(t *testing.T) {
	ask := bos.ProofAsk{ID: "x1c0s0b0n0", Proof: bos.BootProof{Kind: bos.ProofTCP, Port: 22}}
	var got []bos.ProofReading
	shell.Ports{Proofs: mum{}}.ProbeProofs(t.Context(), []bos.ProofAsk{ask}, func(r bos.ProofReading) { got = append(got, r) })
	if len(got) != 1 || got[0].ID != ask.ID || got[0].Proof != ask.Proof || got[0].Sight != bos.ProofUnknown {
		t.Errorf("%+v", got)
	}
}
