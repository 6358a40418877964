package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// heard are the statements that a store sends, as they come.
type heard struct {
	mu   sync.Mutex
	list []tracedStatement
}

type tracedStatement struct {
	query string
	args  []any
}

func (h *heard) hear(query string, args []any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, tracedStatement{query, slices.Clone(args)})
}

// take returns what was heard since.
func (h *heard) take() []tracedStatement {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.list
	h.list = nil
	return list
}

// TraceQueryStart hears a statement that is sent by itself.
func (h *heard) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	h.hear(data.SQL, data.Args)
	return ctx
}

// TraceQueryEnd is nothing to hear.
func (h *heard) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart hears those that are sent together.
func (h *heard) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		h.hear(q.SQL, q.Arguments)
	}
	return ctx
}

// TraceBatchQuery is nothing to hear.
func (h *heard) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd is nothing to hear.
func (h *heard) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// largeRoom are the records of a room on which one session has booted almost all nodes,
// and works on the last ones.
var largeRoom = []string{
	`INSERT INTO sessions (tenant, name, revision, status, started, document)
SELECT '', 's' || i, 1, CASE WHEN i > 990 THEN 'running' ELSE 'complete' END, i, '{}' FROM generate_series(1, 1000) AS i`,
	`INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, document, work, confirmed, error, held)
SELECT 'x' || lpad(i::text, 6, '0'), 1, CASE WHEN i > 19900 THEN 1 ELSE 0 END, '', CASE WHEN i > 19900 THEN 'power_on_pending' ELSE 'stable' END,
's' || CASE WHEN i > 19000 THEN 1000 ELSE i % 1000 + 1 END, CASE WHEN i < 100 THEN 's999' ELSE '' END,
convert_to('{"actual_state":{},"desired_state":{},"staged_state":{},"last_action":{},"event_stats":{},"status":{}}', 'UTF8'), '{}', 20000000 + i, CASE WHEN i < 50 THEN 'e' ELSE '' END,
CASE WHEN i < 30 THEN '{}' ELSE '' END FROM generate_series(1, 20000) AS i`,
	`INSERT INTO session_nodes (session, component, tenant, boot_set, state, outcome, cause, error, finished, joined)
SELECT session, id, '', '', CASE enabled WHEN 1 THEN 'working' ELSE 'finished' END, '', '', '', 0, 1 FROM components`,
	`INSERT INTO events (id, time, component, session, kind, detail)
SELECT i, i, 'x' || lpad((i % 20000)::text, 6, '0'), 's' || i % 1000, 'k', '' FROM generate_series(1, 60000) AS i`,
	`UPDATE turn SET last_event = 60000`,
	`INSERT INTO changes (revision, size, what) SELECT i, 11, '[{"revision":' || i || ',"components":["x000001"]}]' FROM generate_series(2, 10000) AS i`,
	`INSERT INTO artifacts (kernel, kernel_parameters, initrd) SELECT 'k', 'p' || i, 'i' FROM generate_series(1, 5000) AS i`,
	`INSERT INTO tokens (token, artifacts) SELECT 't' || i, i FROM generate_series(1, 5000) AS i`,
	// Its rows are short: in a table of a few hundred pages the database is right to read all.
	`INSERT INTO host_boots (host, artifacts, token) SELECT 'x' || lpad(i::text, 6, '0'), i % 5000 + 1, 't' FROM generate_series(1, 100000) AS i`,
	`ANALYZE`,
}

// asked are what is asked of a store again and again, of few records of many.
var asked = map[string]func(ctx context.Context, s *postgres.Store) error{
	"one component": func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{IDs: []string{"x000500"}})
	},
	"twenty components": func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{IDs: twenty})
	},
	"a page": func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{After: "x000500", Limit: 100})
	},
	"a page of documents": func(ctx context.Context, s *postgres.Store) error {
		return s.ComponentDocuments(ctx, bos.ComponentFilter{After: "x000500", Limit: 100}, func([]byte) error { return nil })
	},
	"those of a session": func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{Session: "s7"})
	},
	"those in work": func(ctx context.Context, s *postgres.Store) error {
		on := true
		return listed(ctx, s, bos.ComponentFilter{Enabled: &on})
	},
	"those on hold": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.ComponentIDs(ctx, bos.ComponentFilter{Held: true})
		return err
	},
	"those staged": func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{StagedSession: "s999"})
	},
	"those not confirmed lately": func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{Unconfirmed: time.Unix(20000050*60, 0), Limit: 100})
	},
	"glimpses":     func(ctx context.Context, s *postgres.Store) error { _, err := s.Glimpses(ctx, twenty); return err },
	"what changed": func(ctx context.Context, s *postgres.Store) error { _, err := s.Changes(ctx, 9990); return err },
	"the tally of a session": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionTally(ctx, bos.SessionKey{Name: "s7"})
		return err
	},
	"the nodes of a session": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionNodes(ctx, bos.SessionKey{Name: "s7"}, "", 10)
		return err
	},
	"a list of nodes of a session": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionComponents(ctx, bos.SessionKey{Name: "s7"})
		return err
	},
	"whose nodes are": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionsOf(ctx, "s7", twenty)
		return err
	},
	"a session": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.Session(ctx, bos.SessionKey{Name: "s7"})
		return err
	},
	"the history of a node": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.Events(ctx, bos.EventFilter{Component: "x000500", Seen: bos.WholeSite(), Newest: true, Limit: 10})
		return err
	},
	"the history of a session": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.Events(ctx, bos.EventFilter{Session: "s7", Seen: bos.WholeSite(), Limit: 10})
		return err
	},
	"new events": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.Events(ctx, bos.EventFilter{After: 59990, Seen: bos.WholeSite(), Limit: 100})
		return err
	},
	"a token":        func(ctx context.Context, s *postgres.Store) error { _, _, err := s.Token(ctx, "t77"); return err },
	"boots of hosts": func(ctx context.Context, s *postgres.Store) error { _, err := s.HostBoots(ctx, twenty); return err },
	"a report": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.MutateReported(ctx, twenty[:1], []string{"t77"}, func(r *bos.Record, _ bool, booted map[string]bos.BootArtifacts) error {
			r.ActualState = bos.ActualState{BSSToken: "t77", BootArtifacts: booted["t77"]}
			return nil
		})
		return err
	},
	"a write of twenty": func(ctx context.Context, s *postgres.Store) error { return changed(ctx, s, twenty) },
	"a session in steps": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.MutateSession(ctx, bos.SessionKey{Name: "s7"}, func(r *bos.SessionRecord) error { r.Pin = "p"; return nil })
		return err
	},
	"a pass of the engine": func(ctx context.Context, s *postgres.Store) error {
		on := true
		records, err := s.Components(ctx, bos.ComponentFilter{Enabled: &on, Limit: 20})
		if err != nil {
			return err
		}
		for i := range records {
			records[i].Error = "e"
			records[i].Enabled = false
		}
		done, err := s.Commit(ctx, bos.Commit{Components: records, Fence: bos.NoFence, Events: []bos.Event{{Kind: "k", Component: records[0].ID}}})
		if err == nil && !done.None() {
			err = errors.New("somebody else has written")
		}
		return err
	},
	"a component less": func(ctx context.Context, s *postgres.Store) error { return s.DeleteComponent(ctx, "x012000") },
}

var twenty = func() (ids []string) {
	for i := range 20 {
		ids = append(ids, fmt.Sprintf("x%06d", 700*(i+1)))
	}
	return ids
}()

func listed(ctx context.Context, s *postgres.Store, f bos.ComponentFilter) error {
	_, err := s.Components(ctx, f)
	return err
}

func changed(ctx context.Context, s *postgres.Store, ids []string) error {
	_, err := s.MutateComponents(ctx, ids, func(r *bos.Record, _ bool) error { r.Error = "changed" + r.Error; return nil }, bos.Event{Kind: "k"})
	return err
}

// TestWhatIsAskedAgainAndAgainReadsNoWholeTable: the plans are those of the statements as
// the store sends them, in a room of 20,000 nodes.
func TestWhatIsAskedAgainAndAgainReadsNoWholeTable(t *testing.T) {
	dsn := postgrestest.New(t)
	h := &heard{}
	s, err := postgres.OpenTraced(t.Context(), dsn, h)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	for _, statement := range largeRoom {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for what, ask := range asked {
		h.take()
		if err := ask(t.Context(), s); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for _, sent := range h.take() {
			for _, table := range scanned(t, conn, sent) {
				t.Errorf("%s reads the whole table %s by\n%s", what, table, sent.query)
			}
		}
	}
}

// large are the tables that grow with a site; the others have a few rows.
var large = []string{"components", "session_nodes", "sessions", "events", "changes", "artifacts", "tokens", "host_boots"}

// scanned are the large tables that the database reads from end to end for a statement.
func scanned(t *testing.T, conn *pgx.Conn, sent tracedStatement) (list []string) {
	t.Helper()
	verb, _, _ := strings.Cut(sent.query, " ")
	if !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, verb) {
		return nil
	}
	steps := plan(t, conn, sent)
	for _, line := range steps {
		if _, table, ok := strings.Cut(line, "Seq Scan on "); ok {
			if name, _, _ := strings.Cut(table, " "); slices.Contains(large, name) {
				list = append(list, name+" ("+strings.Join(steps, "\n")+")")
			}
		}
	}
	return list
}

// TestNodesOfALargeSessionAreNotLookedForInAListEach: a session that was written just now,
// which the database would take for a small one.
func TestNodesOfALargeSessionAreNotLookedForInAListEach(t *testing.T) {
	t.Run("listed", func(t *testing.T) { lookedFor(t, true) })
	t.Run("given", func(t *testing.T) { lookedFor(t, false) })
}

func lookedFor(t *testing.T, listed bool) {
	t.Helper()
	const session = "all"
	dsn := postgrestest.New(t)
	h := &heard{}
	s, err := postgres.OpenTraced(t.Context(), dsn, h)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	ids, c := make([]string, 5000), bos.Commit{Fence: bos.NoFence}
	for i := range ids {
		ids[i] = fmt.Sprintf("x%06d", i)
		c.Components = append(c.Components, bos.Record{Component: bos.Component{ID: ids[i], Enabled: true, Session: session, Status: bos.ComponentStatus{Phase: bos.PhasePoweringOn}, LastAction: bos.LastAction{Action: bos.ActionPoweringOn}}})
	}
	list := ""
	if listed {
		list = strings.Join(ids, ",")
	}
	running := bos.SessionStatus{Status: bos.SessionRunning}
	if err := s.CreateSession(t.Context(), bos.SessionRecord{Session: bos.Session{Name: session, Components: list, Status: running}}); err != nil {
		t.Fatal(err)
	}
	h.take()
	if done, err := s.Commit(t.Context(), c); err != nil || !done.None() {
		t.Fatalf("%+v, %v", done, err)
	}
	looked := 0
	for _, sent := range h.take() {
		if !strings.HasPrefix(sent.query, "UPDATE session_nodes") {
			continue
		}
		looked++
		if read, plan := carriedOut(t, conn, sent); read > 10*len(ids) {
			t.Errorf("%d rows are looked at by\n%s", read, plan)
		}
	}
	if looked == 0 || looked > 10 {
		t.Errorf("%d statements say what 5,000 nodes are to their session", looked)
	}
}

// plan is how the database carries a statement out.
func plan(t *testing.T, conn *pgx.Conn, sent tracedStatement) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "EXPLAIN (COSTS OFF) "+sent.query, sent.args...)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sent.query, err)
	}
	return steps
}
