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
	countOwned  = "SELECT c.status, c.phase, c.enabled, COUNT(*)" + currentMembers + " AND c.session = ?1 GROUP BY c.status, c.phase, c.enabled"
	// The few that have an error, or wait, are found first, and then looked up.
	ownedErrors = `SELECT c.id, c.error FROM components c THEN JOIN session_nodes n ON n.session = ?1 AND n.component = c.id AND n.tenant = ?2 AND n.state <> 'left'
WHERE c.session = ?1 AND c.error <> ''`
	// stageWaits is who waits for what a session has staged (bos.Record.StageWaits),
	// and whether it owns them.
	stageWaits = `SELECT c.session = ?1, COUNT(*) FROM components c THEN JOIN session_nodes n ON n.session = ?1 AND n.component = c.id AND n.tenant = ?2 AND n.state <> 'left'
WHERE c.staged_session = ?1 AND c.staged_session <> '' AND (c.work = '{}' OR COALESCE(FIELD(c.work, applied), '') <> ?1) GROUP BY 1`
)

// SessionTally counts the nodes of a session, all in one snapshot: a node that is
// applied meanwhile is never missing from both what waits and what is worked on.
func (s *Store) SessionTally(ctx context.Context, key bos.SessionKey) (bos.Tally, error) {
	var t bos.Tally
	err := s.snapshot(ctx, func(q querier) error { return countSession(ctx, q, key, &t) })
	if err != nil {
		return bos.Tally{}, fmt.Errorf("count the nodes of session %s: %w", key.Name, err)
	}
	return t, nil
}

type group struct {
	status, phase string
	enabled       bool
	n             int
}

func countSession(ctx context.Context, q querier, key bos.SessionKey, t *bos.Tally) error {
	owned := 0
	err := each(ctx, q, func(row scanner) error {
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
	}, countMembers, key.Name, key.Tenant)
	if err != nil {
		return err
	}
	if err := countOwnedBy(ctx, q, key, owned, t); err != nil {
		return err
	}
	err = each(ctx, q, func(row scanner) error {
		var id string
		err := row.Scan(&id)
		t.FailedNodes = append(t.FailedNodes, id)
		return err
	}, failedMembers, key.Name, key.Tenant)
	if err != nil {
		return err
	}
	failing := func(row scanner) error {
		var id, text string
		err := row.Scan(&id, &text)
		t.Fail(id, text)
		return err
	}
	for _, query := range []string{ownedErrors, leftErrors} {
		if err := each(ctx, q, failing, query, key.Name, key.Tenant); err != nil {
			return err
		}
	}
	return each(ctx, q, func(row scanner) error {
		var owned bool
		var n int
		err := row.Scan(&owned, &n)
		t.Wait(n, owned)
		return err
	}, stageWaits, key.Name, key.Tenant)
}

// countOwnedBy counts the components that the session works or has worked on. If as
// many name it as it has, they are these; else others name a session of that name
// too, and each is looked up.
func countOwnedBy(ctx context.Context, q querier, key bos.SessionKey, owned int, t *bos.Tally) error {
	var groups []group
	sum := 0
	read := func(row scanner) error {
		var g group
		err := row.Scan(&g.status, &g.phase, &g.enabled, &g.n)
		groups = append(groups, g)
		sum += g.n
		return err
	}
	if err := each(ctx, q, read, countNaming, key.Name); err != nil {
		return err
	}
	if sum != owned {
		groups = groups[:0]
		if err := each(ctx, q, read, countOwned, key.Name, key.Tenant); err != nil {
			return err
		}
	}
	for _, g := range groups {
		t.Count(g.n, g.status, bos.Phase(g.phase), g.enabled, g.status == bos.StatusOnHold)
	}
	return nil
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
