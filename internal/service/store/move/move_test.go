package move_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/move"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// store is a store of either kind.
type store interface {
	bos.Store
	bos.HostBoots
	NodeKey(ctx context.Context) ([]byte, error)
}

func opened(t *testing.T, at string) store {
	t.Helper()
	var s store
	var err error
	if file, is := strings.CutPrefix(at, "sqlite:"); is {
		s, err = sqlite.Open(t.Context(), file)
	} else {
		s, err = postgres.Open(t.Context(), at)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill writes some of everything, of as many components.
func fill(t *testing.T, at string, components int) {
	t.Helper()
	s := opened(t, at)
	ids := make([]string, components)
	nodes := make([]bos.SelectedNode, components)
	for i := range ids {
		ids[i] = fmt.Sprintf("x%05d", i)
		nodes[i] = bos.SelectedNode{ID: ids[i], BootSet: "compute"}
	}
	_, err := s.MutateComponents(t.Context(), ids, func(r *bos.Record, _ bool) error {
		r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: "k", KernelParameters: "a=\"é\\u0000\"", Initrd: "i"}
		r.Work.Cause, r.Error = bos.CauseBootTimeout, "a text with \x00, \\u0000 and \"quotes\""
		return nil
	}, bos.Event{Time: now, Kind: "component_patched", Detail: "d\x00", Actor: "me"})
	must(t, err)
	blue := "blue"
	must(t, s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t", Tenant: &blue, BootSets: map[string]bos.BootSet{"compute": {Path: "p"}}}))
	rec := bos.SessionRecord{Session: bos.Session{Name: "s", Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(now)}}, Pin: "pin"}
	must(t, s.CreateSession(t.Context(), rec, bos.Event{Time: now, Kind: "session_created"}))
	rec, err = s.Session(t.Context(), rec.Key())
	must(t, err)
	_, _, err = s.SetUp(t.Context(), bos.Setup{Session: rec.Key(), Revision: rec.Revision, Nodes: nodes, Fence: bos.NoFence, Arm: func(s *bos.SessionRecord, list []bos.Record) bos.Armed {
		s.Status.Status = bos.SessionRunning
		for i := range list {
			list[i].Session, list[i].Enabled = "s", true
		}
		return bos.Armed{Nodes: ids}
	}})
	must(t, err)
	must(t, s.PutHostBoots(t.Context(), ids[:2], bos.BootArtifacts{Kernel: "hk"}, "host token"))
	_, err = s.Commit(t.Context(), bos.Commit{Tokens: map[string]bos.BootArtifacts{"token": {Kernel: "k2"}}, Fence: bos.NoFence})
	must(t, err)
	must(t, s.PutReceipt(t.Context(), bos.Receipt{Key: "key", Preview: bos.Preview{Pin: "pin", Receipt: "r1", Created: now, Expires: now.Add(time.Hour)}}))
	_, err = s.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency = 77; return nil })
	must(t, err)
	_, err = s.NodeKey(t.Context())
	must(t, err)
	_, err = s.Lease(t.Context(), "holder", now, bos.Lease{})
	must(t, err)
	must(t, s.Release(t.Context(), "holder"))
	must(t, s.Close())
}

// seen is what clients and the engine see of a store, but for the pause of the site.
type seen struct {
	Documents []string
	Records   []bos.Record
	Sessions  []bos.SessionRecord
	Nodes     []bos.NodeOutcome
	Templates []bos.SessionTemplate
	Events    []bos.Event
	Options   bos.Options
	Hosts     []bos.HostBoot
	Token     bos.BootArtifacts
	Receipt   bos.Receipt
	Key       []byte
	Last      int64
}

func see(t *testing.T, at string) (v seen) {
	t.Helper()
	s := opened(t, at)
	must(t, s.ComponentDocuments(t.Context(), bos.ComponentFilter{}, func(d []byte) error { v.Documents = append(v.Documents, string(d)); return nil }))
	var err error
	v.Records, err = s.Components(t.Context(), bos.ComponentFilter{})
	must(t, err)
	v.Sessions, err = s.Sessions(t.Context(), bos.SessionFilter{Of: bos.AllTenants()}, now)
	must(t, err)
	v.Nodes, err = s.SessionNodes(t.Context(), bos.SessionKey{Name: "s"}, "", bos.AllNodes)
	must(t, err)
	v.Templates, err = s.Templates(t.Context(), bos.AllTenants())
	must(t, err)
	all, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	must(t, err)
	for _, e := range all {
		if e.Kind != "site_paused" {
			v.Events, v.Last = append(v.Events, e), e.ID
		}
	}
	v.Options, err = s.Options(t.Context())
	must(t, err)
	v.Hosts, err = s.HostBoots(t.Context(), nil)
	must(t, err)
	v.Token, _, err = s.Token(t.Context(), "token")
	must(t, err)
	v.Receipt, err = s.Receipt(t.Context(), "key", now)
	must(t, err)
	v.Key, err = s.NodeKey(t.Context())
	must(t, err)
	must(t, s.Close())
	return v
}

func place(t *testing.T, at string) move.Place {
	t.Helper()
	p, err := move.ParsePlace(at)
	must(t, err)
	return p
}

func TestRecordsAreTheSameAfterAMoveThereAndBack(t *testing.T) {
	const components = 10_000
	places := []string{"sqlite:" + filepath.Join(t.TempDir(), "bos.db"), postgrestest.New(t), "sqlite:" + filepath.Join(t.TempDir(), "back.db")}
	fill(t, places[0], components)
	want := see(t, places[0])
	if len(want.Records) != components || len(want.Events) < components || len(want.Nodes) != components {
		t.Fatalf("%d records, %d events, %d nodes of the session", len(want.Records), len(want.Events), len(want.Nodes))
	}
	for i := range places[1:] {
		began := time.Now()
		m, err := move.Move(t.Context(), place(t, places[i]), place(t, places[i+1]), now)
		if err != nil || m.Components != components || m.Sessions != 1 || m.Templates != 1 || m.Events != int64(len(want.Events)) {
			t.Fatalf("moved %+v, %v", m, err)
		}
		t.Logf("%d rows took %s", m.Rows, time.Since(began))
		if diff := cmp.Diff(want, see(t, places[i+1])); diff != "" {
			t.Errorf("the records of %s differ:\n%.2000s", places[i+1], diff)
		}
		// Nobody drives the nodes from where they were by mistake.
		s := opened(t, places[i])
		pause, err := s.SitePause(t.Context())
		if err != nil || !pause.On() || !strings.Contains(pause.Reason, "moved to") {
			t.Errorf("the site that was moved is %+v, %v", pause, err)
		}
		must(t, s.Close())
	}
	// Writing goes on where it was: nothing is numbered anew.
	s := opened(t, places[2])
	done, err := s.Commit(t.Context(), bos.Commit{Components: []bos.Record{{Component: bos.Component{ID: "y"}}}, Events: []bos.Event{{Kind: "k"}}, Fence: bos.NoFence})
	must(t, err)
	last, err := s.LastEvent(t.Context())
	if err != nil || last != want.Last+1 || done.Revision <= want.Records[0].Revision {
		t.Errorf("the next event is %d after %d, the next revision %d, %v", last, want.Last, done.Revision, err)
	}
	must(t, s.Close())
}

func TestWhatWasMovedIntoAPostgresIsWrittenOn(t *testing.T) {
	from, to := "sqlite:"+filepath.Join(t.TempDir(), "bos.db"), postgrestest.New(t)
	fill(t, from, 3)
	if _, err := move.Move(t.Context(), place(t, from), place(t, to), now); err != nil {
		t.Fatal(err)
	}
	moved := opened(t, to)
	defer moved.Close() //nolint:errcheck // the test is over
	last, err := moved.LastEvent(t.Context())
	must(t, err)
	for i := range 3 {
		must(t, moved.PutHostBoots(t.Context(), []string{"h"}, bos.BootArtifacts{Kernel: fmt.Sprint("new", i)}, fmt.Sprint("t", i), bos.Event{Kind: "k"}))
		must(t, moved.PutReceipt(t.Context(), bos.Receipt{Key: fmt.Sprint("key", i), Preview: bos.Preview{Created: now, Expires: now.Add(time.Hour)}}))
	}
	if next, err := moved.LastEvent(t.Context()); err != nil || next != last+3 {
		t.Errorf("the last event is %d after %d, %v", next, last, err)
	}
}

func TestADatabaseThatHasRecordsOrAServiceIsNotMovedInto(t *testing.T) {
	from, to := "sqlite:"+filepath.Join(t.TempDir(), "bos.db"), postgrestest.New(t)
	fill(t, from, 2)
	s := opened(t, to)
	must(t, s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "mine"}))
	before := brief(t, s)
	if _, err := move.Move(t.Context(), place(t, from), place(t, to), now); err == nil || !strings.Contains(err.Error(), "name an empty one") {
		t.Errorf("it was moved into a database that has records, %v", err)
	}
	if after := brief(t, s); after != before {
		t.Errorf("the database had %s and has %s", before, after)
	}
	// A service that is alive renews its lease.
	ctx, stop := context.WithCancel(t.Context())
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		for at := now; ctx.Err() == nil; at = at.Add(time.Second) {
			if _, err := s.Lease(context.WithoutCancel(ctx), "alive", at, bos.Lease{}); err != nil {
				t.Error(err)
			}
		}
	}()
	for _, pair := range [][2]string{{from, to}, {to, "sqlite:" + filepath.Join(t.TempDir(), "new.db")}} {
		if _, err := move.Move(t.Context(), place(t, pair[0]), place(t, pair[1]), now); tables.TroubleOf(err) != tables.InUse {
			t.Errorf("with a service that is alive: %v", err)
		}
	}
	stop()
	<-renewed
	must(t, s.Close())
}

// brief is what little a store has.
func brief(t *testing.T, s store) string {
	t.Helper()
	ids, err := s.ComponentIDs(t.Context(), bos.ComponentFilter{})
	must(t, err)
	templates, err := s.Templates(t.Context(), bos.AllTenants())
	must(t, err)
	return fmt.Sprint(ids, len(templates))
}

func TestAPlaceIsAFileOrAPostgres(t *testing.T) {
	for text, says := range map[string]string{"sqlite:a/b.db": "sqlite:a/b.db", "postgres://u@h:1/db": "postgres://h:1/db", "": "", "sqlite:": "", "bos.db": "", "mysql://h": ""} {
		p, err := move.ParsePlace(text)
		if (err != nil) != (says == "") || err == nil && p.String() != says {
			t.Errorf("%q is %s, %v", text, p, err)
		}
	}
}
