package tables

import (
	"context"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What a session has is counted by groups, from indexes: ten thousand rows would take
// longer to hand over than to count.
const (
	countMembers  = "SELECT state, outcome, COUNT(*) FROM session_nodes WHERE session = ?1 AND tenant = ?2 GROUP BY state, outcome"
	failedMembers = "SELECT component FROM session_nodes WHERE session = ?1 AND tenant = ?2 AND state = 'finished' AND outcome = 'failed' ORDER BY component"
	leftErrors    = "SELECT component, error FROM session_nodes WHERE session = ?1 AND tenant = ?2 AND state = 'left' AND error <> ''"
	// countNaming counts all that name a session, which are mostly its own.
	countNaming = "SELECT status, phase, enabled, COUNT(*) FROM components WHERE session = ?1 GROUP BY status, phase, enabled"
	countOwned  = "SELECT status, phase, enabled, COUNT(*) FROM components c WHERE session = ?1 AND " + ownedNow + " GROUP BY status, phase, enabled"
	// ownedNow asks of a component whether the session has it. It is a question for each, so that
	// no database reads all nodes of the session for the few that have an error, or wait.
	ownedNow    = "(SELECT n.state FROM session_nodes n WHERE n.session = ?1 AND n.component = c.id AND n.tenant = ?2) <> 'left'"
	ownedErrors = "SELECT id, error FROM components c WHERE session = ?1 AND error <> '' AND " + ownedNow
	// stageWaits is who waits for what a session has staged (bos.Record.StageWaits),
	// and whether it owns them.
	stageWaits = `SELECT session = ?1, COUNT(*) FROM components c
WHERE staged_session = ?1 AND staged_session <> '' AND (work = '{}' OR COALESCE(FIELD(work, applied), '') <> ?1) AND ` + ownedNow + " GROUP BY 1"
)

// SessionTally counts the nodes of a session, all in one snapshot: a node that is
// applied meanwhile is never missing from both what waits and what is worked on. Mostly
// all that name the session are its own; if not, each is looked up, in another snapshot.
func (s *Store) SessionTally(ctx context.Context, key bos.SessionKey) (bos.Tally, error) {
	t, own, err := s.countSession(ctx, key, countNaming)
	if err == nil && !own {
		t, _, err = s.countSession(ctx, key, countOwned)
	}
	if err != nil {
		return bos.Tally{}, fmt.Errorf("count the nodes of session %s: %w", key.Name, err)
	}
	return t, nil
}

// countSession counts the components that the session works or has worked on by a query,
// and says whether there are as many as it has.
func (s *Store) countSession(ctx context.Context, key bos.SessionKey, components string) (t bos.Tally, own bool, err error) {
	owned, counted := 0, 0
	failing := func(row scanner) error {
		var id, text string
		err := row.Scan(&id, &text)
		t.Fail(id, text)
		return err
	}
	args := []any{key.Name, key.Tenant}
	named := args
	if components == countNaming {
		named = args[:1]
	}
	err = s.snapshot(ctx, []counting{
		{countMembers, args, func(row scanner) error {
			var state, outcome string
			var n int
			err := row.Scan(&state, &outcome, &n)
			switch state {
			case memberLeft:
				t.Leave(n, outcome)
			case memberWorking, memberFinished:
				owned += n
			}
			return err
		}},
		{components, named, func(row scanner) error {
			var status, phase string
			var enabled bool
			var n int
			err := row.Scan(&status, &phase, &enabled, &n)
			t.Count(n, status, bos.Phase(phase), enabled, status == bos.StatusOnHold)
			counted += n
			return err
		}},
		{failedMembers, args, func(row scanner) error {
			var id string
			err := row.Scan(&id)
			t.FailedNodes = append(t.FailedNodes, id)
			return err
		}},
		{ownedErrors, args, failing},
		{leftErrors, args, failing},
		{stageWaits, args, func(row scanner) error {
			var owned bool
			var n int
			err := row.Scan(&owned, &n)
			t.Wait(n, owned)
			return err
		}},
	})
	return t, counted == owned, err
}

// countLeft counts the nodes that a session had and has no more, in a transaction
// that writes.
func countLeft(ctx context.Context, t *tx, key bos.SessionKey, left *bos.Tally) error {
	for _, query := range []string{countMembers, leftErrors} {
		rows, err := t.query(ctx, query, key.Name, key.Tenant)
		if err != nil {
			return err
		}
		err = eachRow(rows, func(row scanner) error {
			var a, b string
			var n int
			if query == leftErrors {
				err := row.Scan(&a, &b)
				left.Fail(a, b)
				return err
			}
			err := row.Scan(&a, &b, &n)
			if a == memberLeft {
				left.Leave(n, b)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("count the nodes of session %s: %w", key.Name, err)
		}
	}
	return nil
}
