package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// allNodes is the session that has all nodes of a room, which are so many.
const (
	allNodes  = "all"
	roomNodes = 10000
)

// roomOfAll are the records of a room whose nodes one session has. A few have an error, or
// wait for what it has staged.
var roomOfAll = []string{
	`INSERT INTO sessions (tenant, name, revision, status, started, document) VALUES ('', 'all', 1, 'running', 1, '{}'), ('', 'before', 1, 'complete', 1, '{}')`,
	`INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, document, work, confirmed, error, held)
SELECT 'x' || lpad(i::text, 6, '0'), 1, 1, 'powering_on', 'power_on_pending', 'all', CASE WHEN i <= 5 THEN 'all' ELSE '' END,
convert_to('{"actual_state":{},"desired_state":{},"staged_state":{"session":"' || CASE WHEN i <= 5 THEN 'all' ELSE '' END || '"},"last_action":{"action":"powering_on"},"event_stats":{},"status":{"phase":"powering_on"},"enabled":true,"session":"all"}', 'UTF8'),
'{}', 0, CASE WHEN i <= 5 THEN 'e' ELSE '' END, '' FROM generate_series(1, 10000) AS i`,
	`INSERT INTO session_nodes (session, component, tenant, boot_set, state, outcome, cause, error, finished, joined)
SELECT 'all', id, '', '', 'working', '', '', '', 0, 1 FROM components`,
}

// statistics are what the database may know of that room when it plans.
var statistics = map[string]func(ctx context.Context, conn *pgx.Conn) error{
	"nothing": func(ctx context.Context, conn *pgx.Conn) error { return executed(ctx, conn, roomOfAll...) },
	"all of it": func(ctx context.Context, conn *pgx.Conn) error {
		return executed(ctx, conn, append(roomOfAll[:len(roomOfAll):len(roomOfAll)], "ANALYZE")...)
	},
	// The session is newer: it is taken for one that has hardly a node.
	"what was before": func(ctx context.Context, conn *pgx.Conn) error {
		return executed(ctx, conn, append(roomOfAll[:len(roomOfAll):len(roomOfAll)],
			"UPDATE components SET session = 'before', status = 'stable', phase = '', enabled = 0, error = '', staged_session = ''", "UPDATE session_nodes SET session = 'before', state = 'finished'", "ANALYZE",
			`UPDATE components SET session = 'all', status = 'power_on_pending', phase = 'powering_on', enabled = 1, error = CASE WHEN id <= 'x000005' THEN 'e' ELSE '' END,
staged_session = CASE WHEN id <= 'x000005' THEN 'all' ELSE '' END`, "UPDATE session_nodes SET session = 'all', state = 'working'")...)
	},
}

func executed(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// ofAll are twenty nodes of that session.
var ofAll = func() (ids []string) {
	for i := range 20 {
		ids = append(ids, fmt.Sprintf("x%06d", 400*(i+1)))
	}
	return ids
}()

// fewOfAll are what is asked about few nodes of that session, with how many rows a statement
// may look at.
var fewOfAll = map[string]struct {
	most int
	ask  func(ctx context.Context, s *postgres.Store) error
}{
	"one component": {10, func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{IDs: []string{"x000500"}})
	}},
	"one of the session": {20, func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{IDs: []string{"x000500"}, Session: allNodes})
	}},
	"twenty of the session": {200, func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{IDs: ofAll, Session: allNodes})
	}},
	"glimpses": {200, func(ctx context.Context, s *postgres.Store) error { _, err := s.Glimpses(ctx, ofAll); return err }},
	"whose twenty nodes are": {200, func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionsOf(ctx, allNodes, ofAll)
		return err
	}},
	"a report": {50, func(ctx context.Context, s *postgres.Store) error { return changed(ctx, s, ofAll[:1]) }},
	"twenty reports": {200, func(ctx context.Context, s *postgres.Store) error {
		return changed(ctx, s, ofAll)
	}},
	"a node that is done": {50, func(ctx context.Context, s *postgres.Store) error {
		return given(ctx, s, "x000500", func(r *bos.Record) { r.Enabled = false })
	}},
	"a node that leaves, and another that is given back": {50, func(ctx context.Context, s *postgres.Store) error {
		return errors.Join(given(ctx, s, "x000600", func(r *bos.Record) { r.Session = "" }), given(ctx, s, "x000600", func(r *bos.Record) { r.Session = allNodes }))
	}},
	"something that is sent for a node": {50, func(ctx context.Context, s *postgres.Store) error {
		return given(ctx, s, "x000700", func(r *bos.Record) { r.Status.Phase, r.LastAction.Action = bos.PhaseNone, "" })
	}},
	"the tally beside the nodes that it counts": {100, func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionTally(ctx, bos.SessionKey{Name: allNodes})
		return err
	}},
	"ten of its nodes": {200, func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionNodes(ctx, bos.SessionKey{Name: allNodes}, "x000500", 10)
		return err
	}},
	"a component less": {50, func(ctx context.Context, s *postgres.Store) error { return s.DeleteComponent(ctx, "x000801") }},
}

func given(ctx context.Context, s *postgres.Store, id string, change func(*bos.Record)) error {
	_, err := s.MutateComponents(ctx, []string{id}, func(r *bos.Record, _ bool) error { change(r); return nil })
	return err
}

// allOfAll are what is asked about all nodes: each is to be looked at a few times, and not
// once for each other.
var allOfAll = map[string]func(ctx context.Context, s *postgres.Store) error{
	"the tally": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionTally(ctx, bos.SessionKey{Name: allNodes})
		return err
	},
	"its nodes": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.SessionNodes(ctx, bos.SessionKey{Name: allNodes}, "", bos.AllNodes)
		return err
	},
	"their documents": func(ctx context.Context, s *postgres.Store) error {
		on := true
		return s.ComponentDocuments(ctx, bos.ComponentFilter{Session: allNodes, Enabled: &on}, func([]byte) error { return nil })
	},
	"their records": func(ctx context.Context, s *postgres.Store) error {
		return listed(ctx, s, bos.ComponentFilter{Session: allNodes})
	},
	"glimpses of all": func(ctx context.Context, s *postgres.Store) error { _, err := s.Glimpses(ctx, nil); return err },
	"its cancellation": func(ctx context.Context, s *postgres.Store) error {
		_, _, err := s.MutateOwned(ctx, bos.SessionKey{Name: allNodes}, func(_ *bos.SessionRecord, records []bos.Record, _ bos.Tally) error {
			for i := range records {
				records[i].Enabled, records[i].Error = false, "cancelled"
			}
			return nil
		})
		return err
	},
	"what they do next": func(ctx context.Context, s *postgres.Store) error {
		ids, err := s.ComponentIDs(ctx, bos.ComponentFilter{})
		if err == nil {
			_, err = s.MutateComponents(ctx, ids, func(r *bos.Record, _ bool) error { r.Session = ""; return nil })
		}
		return err
	},
}

// counting are the statements of a tally that count all nodes of a session.
func counting(query string) bool {
	return strings.HasPrefix(query, "SELECT state, outcome, COUNT(*)") || strings.HasPrefix(query, "SELECT status, phase, enabled, COUNT(*)")
}

// TestFewNodesOfASessionAreFoundByLookingAtFew, whatever the database knows of the room.
func TestFewNodesOfASessionAreFoundByLookingAtFew(t *testing.T) {
	inRoomsOfAll(t, func(t *testing.T, r *planned) {
		for what, few := range fewOfAll {
			for _, sent := range r.sent(t, what, few.ask) {
				if counting(sent.query) {
					continue
				}
				if read, plan := carriedOut(t, r.conn, sent); read > few.most {
					t.Errorf("%s looks at %d rows for\n%s\n%s", what, read, sent.query, plan)
				}
			}
		}
	})
}

// TestAllNodesOfASessionAreLookedAtAFewTimes: a plan for a session that is taken for a small
// one would look through a list, or all nodes, anew for each.
func TestAllNodesOfASessionAreLookedAtAFewTimes(t *testing.T) {
	inRoomsOfAll(t, func(t *testing.T, r *planned) {
		for what, ask := range allOfAll {
			for _, sent := range r.sent(t, what, ask) {
				if read, plan := carriedOut(t, r.conn, sent); read > 10*roomNodes {
					t.Errorf("%s looks at %d rows for\n%s\n%s", what, read, sent.query, plan)
				}
			}
		}
	})
}

// planned is a room whose statements are heard.
type planned struct {
	store *postgres.Store
	heard *heard
	conn  *pgx.Conn
}

// inRoomsOfAll is with a room for each of what the database may know of it.
func inRoomsOfAll(t *testing.T, try func(t *testing.T, r *planned)) {
	t.Helper()
	for known, fill := range statistics {
		t.Run("known is "+known, func(t *testing.T) {
			dsn := postgrestest.New(t)
			r := &planned{heard: &heard{}}
			var err error
			if r.store, err = postgres.OpenTraced(t.Context(), dsn, r.heard); err != nil {
				t.Fatal(err)
			}
			defer r.store.Close() //nolint:errcheck // the test is over
			if r.conn, err = pgx.Connect(t.Context(), dsn); err != nil {
				t.Fatal(err)
			}
			defer r.conn.Close(t.Context()) //nolint:errcheck // the test is over
			for _, table := range large {
				if err := executed(t.Context(), r.conn, "ALTER TABLE "+table+" SET (autovacuum_enabled = off)"); err != nil {
					t.Fatal(err)
				}
			}
			if err := fill(t.Context(), r.conn); err != nil {
				t.Fatal(err)
			}
			// So the store does when it has written a session of that size.
			if err := executed(t.Context(), r.conn, "ANALYZE session_nodes"); err != nil {
				t.Fatal(err)
			}
			try(t, r)
		})
	}
}

// sent are the statements that are sent for something, each once: those that are sent again
// for other rows have the same plan.
func (r *planned) sent(t *testing.T, what string, ask func(context.Context, *postgres.Store) error) (list []tracedStatement) {
	t.Helper()
	r.heard.take()
	if err := ask(t.Context(), r.store); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	seen := make(map[string]bool)
	for _, sent := range r.heard.take() {
		verb, _, _ := strings.Cut(sent.query, " ")
		if !seen[sent.query] && slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, verb) && !strings.HasPrefix(sent.query, "INSERT INTO events") && !strings.HasPrefix(sent.query, "INSERT INTO changes") {
			list = append(list, sent)
		}
		seen[sent.query] = true
	}
	return list
}

// step is a step of a plan that was carried out, with what it has looked at.
type step struct {
	Type     string  `json:"Node Type"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Filtered float64 `json:"Rows Removed by Filter"`
	Unjoined float64 `json:"Rows Removed by Join Filter"`
	Plans    []step  `json:"Plans"`
}

// read is how many rows were looked at, those included that were of no use.
func (s step) read() (n float64) {
	n = s.Unjoined * s.Loops
	if strings.Contains(s.Type, "Scan") {
		n += (s.Rows + s.Filtered) * s.Loops
	}
	for _, below := range s.Plans {
		n += below.read()
	}
	return n
}

// carriedOut is how many rows the database looks at to carry a statement out, and how it
// does so. What it writes is undone.
func carriedOut(t *testing.T, conn *pgx.Conn, sent tracedStatement) (read int, plan string) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context()) //nolint:errcheck // the next statement tells
	var text []byte
	if err := tx.QueryRow(t.Context(), "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+sent.query, sent.args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sent.query, err)
	}
	var plans []struct{ Plan step }
	if err := json.Unmarshal(text, &plans); err != nil {
		t.Fatal(err)
	}
	return int(plans[0].Plan.read()), string(text)
}
