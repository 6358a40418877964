package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

// The nodes of sessions are kept true by every write of a component, whoever makes
// it: what it says of its session before and after is all that is looked at.

// What a node is to its session. A row that has left keeps its outcome.
const (
	memberStaged   = "staged"
	memberWorking  = "working"
	memberFinished = "finished"
	memberLeft     = "left"
)

const (
	// setMembers writes what nodes are to a session. Of several rows of one component
	// and session name the last that joined is meant.
	setMembers = `UPDATE session_nodes AS n SET state = ?2, outcome = ?3, cause = ?4, error = ?5, phase = ?8,
finished = CASE WHEN state = 'finished' AND ?2 = 'finished' THEN finished ELSE ?6 END
WHERE MEMBERS(?1, ?7)
AND n.joined = (SELECT MAX(o.joined) FROM session_nodes AS o WHERE o.session = n.session AND o.component = n.component)`
	// joinMembers is setMembers of nodes that have only now been given the session's name,
	// and says which of them it has.
	joinMembers = setMembers + " RETURNING component"
	// addMembers takes in nodes that a client gave to a session, by naming it. Where a
	// tenant has one of that name too, it is not known which was meant.
	addMembers = `INSERT INTO session_nodes (session, component, tenant, boot_set, state, outcome, cause, error, finished, joined, phase)
SELECT ?1, l.value, '', '', ?2, ?3, ?4, ?5, ?6, ?9, ?8 FROM LIST(?7) AS l, sessions WHERE tenant = '' AND name = ?1 AND status <> 'pending'
AND NOT EXISTS (SELECT 1 FROM sessions WHERE name = ?1 AND tenant <> '')`
	// loseMembers keeps the outcome that a node has reached.
	loseMembers = `UPDATE session_nodes SET state = ?2, outcome = CASE state WHEN 'finished' THEN outcome ELSE ?3 END,
cause = CASE state WHEN 'finished' THEN cause ELSE ?4 END, error = CASE state WHEN 'finished' THEN error ELSE ?5 END,
phase = CASE state WHEN 'finished' THEN phase ELSE ?8 END,
finished = CASE state WHEN 'finished' THEN finished ELSE ?6 END
WHERE MEMBERS(?1, ?7) AND state <> 'left'`
	// unstageMember leaves one alone that was applied.
	unstageMember = "UPDATE session_nodes SET state = 'left', outcome = ?3, finished = ?4 WHERE session = ?1 AND component = ?2 AND state = 'staged'"
	// newMembers makes nodes those of a session that is set up and has none, as most have, and
	// setUpMembers those of one that may have some: to look for each takes a third of the time
	// again.
	newMembers = `INSERT INTO session_nodes (session, component, tenant, boot_set, state, outcome, cause, error, finished, joined, listed)
SELECT ?1, value ->> 0, ?2, value ->> 1, ?3, '', '', '', 0, ?4, key + 1 + CAST(?6 AS BIGINT) FROM PAIRS(?5) AS l WHERE true`
	setUpMembers = newMembers + `
ON CONFLICT (session, component, tenant) DO UPDATE SET boot_set = excluded.boot_set, state = excluded.state, outcome = '', cause = '',
error = '', finished = 0, joined = excluded.joined, listed = excluded.listed, phase = '', began = 0`
	// otherSession asks for another session of a name, and otherMembers takes nodes
	// from all of them.
	otherSession = "SELECT COUNT(*) FROM sessions WHERE name = ?1 AND tenant <> ?2"
	// sameName asks for both: another one of its name, and whether a session has nodes already.
	sameName     = "SELECT (" + otherSession + "), (SELECT COUNT(*) FROM (SELECT 1 FROM session_nodes WHERE session = ?1 AND tenant = ?2 LIMIT 1) AS n)"
	otherMembers = `UPDATE session_nodes SET state = 'left', outcome = CASE state WHEN 'finished' THEN outcome ELSE ?3 END,
finished = CASE state WHEN 'finished' THEN finished ELSE ?4 END
WHERE MEMBERS(?1, ?5) AND tenant <> ?2 AND state <> 'left'`
	// listMembers makes a session's nodes those of a list.
	unlistMembers = "DELETE FROM session_nodes WHERE session = ?1 AND tenant = ?2 AND component NOT IN (SELECT value FROM LIST(?3) AS l)"
	listMembers   = `INSERT INTO session_nodes (session, component, tenant, boot_set, state, outcome, cause, error, finished, joined, listed)
SELECT ?1, m.value, ?2, '', CASE WHEN c.session = ?1 THEN CASE c.enabled WHEN 1 THEN 'working' ELSE 'finished' END
    WHEN c.staged_session = ?1 THEN 'staged' ELSE 'left' END,
  CASE WHEN c.session = ?1 THEN CASE c.enabled WHEN 1 THEN '' ELSE c.status END WHEN c.staged_session = ?1 THEN '' ELSE 'taken_over' END,
  '', CASE WHEN c.session = ?1 AND c.enabled = 0 THEN c.error ELSE '' END, 0, ?4, m.key + 1 + CAST(?5 AS BIGINT)
FROM LIST(?3) AS m LEFT JOIN components c ON c.id = m.value WHERE true ON CONFLICT (session, component, tenant) DO UPDATE SET listed = excluded.listed`
	// lastMember finds whose a node was last, of the sessions of a name.
	lastMember    = "SELECT tenant FROM session_nodes WHERE session = ? AND component = ? ORDER BY joined DESC LIMIT 1"
	deleteMembers = "DELETE FROM session_nodes WHERE session = ? AND tenant = ?"
	// beginMembers notes when something was first sent for nodes. It says of each row whether
	// it is meant and not which rows are: of these a database would expect one or two, and
	// look through the list anew for each.
	beginMembers = `UPDATE session_nodes SET began = CASE WHEN state = 'working' AND began = 0 THEN ?2 ELSE began END
WHERE MEMBERS(?1, ?3)`
)

// members follows one write of a component.
func (w *componentWriter) members(p *write) error {
	before, after := p.before, filtersOf(p.record)
	if p.insert {
		before = filters{}
	}
	was, is := before.session(), after.session()
	wasStaged, isStaged := before.staged(), after.staged()
	id := p.record.ID
	if was != is && was != "" {
		if isStaged == was && p.record.StageWaits(was) {
			w.memberships.add(setMembers, was, id, member{state: memberStaged})
		} else {
			w.memberships.add(loseMembers, was, id, w.leaves(before, p.record))
		}
	}
	if wasStaged != isStaged && wasStaged != "" && wasStaged != is {
		if err := w.change(unstageMember, wasStaged, id, lost(isStaged), w.now()); err != nil {
			return err
		}
	}
	if is != "" && bos.Sent(after.status()) && !bos.Sent(before.status()) {
		w.memberships.add(beginMembers, is, id, member{finished: w.now()})
	}
	// What its own session has staged on it may go without being applied.
	unstaged := wasStaged == is && isStaged != wasStaged
	if is != "" && is != w.settingUp && (was != is || unstaged || before.done() != after.done() || after.done() && before.outcome() != after.outcome()) {
		w.join(is, p.record, was != is)
	}
	if isStaged != wasStaged && isStaged != is && isStaged != w.settingUp && isStaged != "" && p.record.StageWaits(isStaged) {
		w.memberships.add(joinMembers, isStaged, id, member{state: memberStaged})
	}
	return nil
}

// leaves is what is kept of a node that leaves the session which it named before.
func (w *componentWriter) leaves(before filters, r *bos.Record) member {
	m := member{state: memberLeft, outcome: lost(r.Session), phase: before.phase(), finished: w.now()}
	if r.Excluded() {
		m.outcome, m.cause, m.error = bos.StatusExcluded, string(r.Work.Cause), r.Error
	}
	return m
}

// lost is the outcome of a node that leaves a session, by whose it is now.
func lost(to string) string {
	if to == "" {
		return bos.StatusReleased
	}
	return bos.StatusTakenOver
}

// member is what a node is to a session, and what became of it.
type member struct {
	state, outcome, cause, error, phase string
	finished                            int64
}

// whose finds the tenant of the session to which a client gives a node back by naming
// it: sessions of two tenants may share a name, and the last that had it is meant.
func (w *componentWriter) whose(p *write) error {
	r, is := p.record, p.record.Session
	if is == "" || r.Tenant != "" || is == w.settingUp || !p.insert && is == p.before.session() {
		return nil
	}
	shared, known := w.ofTenants[is]
	if !known {
		var sessions int
		if err := w.tx.row(w.ctx, otherSession, is, "").Scan(&sessions); err != nil {
			return fmt.Errorf("look for sessions of the name %s: %w", is, err)
		}
		if w.ofTenants == nil {
			w.ofTenants = make(map[string]bool)
		}
		shared = sessions > 0
		w.ofTenants[is] = shared
	}
	if !shared {
		return nil
	}
	err := w.tx.row(w.ctx, lastMember, is, r.ID).Scan(&r.Tenant)
	if err != nil && !notThere(err) {
		return fmt.Errorf("look for whose it was in session %s: %w", is, err)
	}
	return nil
}

// join says what a node is to the session that it names; named says that it has only
// now been given that name.
func (w *componentWriter) join(session string, r *bos.Record, named bool) {
	m := member{state: memberWorking}
	if !r.Enabled {
		m = member{memberFinished, r.DeriveStatus(), string(r.Work.Cause), r.Error, string(r.Status.Phase), w.now()}
	}
	query := setMembers
	if named {
		query = joinMembers
	}
	w.memberships.add(query, session, r.ID, m)
}

func (w *componentWriter) change(query, session string, args ...any) error {
	if err := w.tx.exec(w.ctx, query, append([]any{session}, args...)...); err != nil {
		return fmt.Errorf("write what it is to session %s: %w", session, err)
	}
	return nil
}

// namesakes are the other sessions that have the name of one, and has how many of its nodes
// are known to be there: none, or some.
type namesakes struct{ others, has int }

// namesakes asks for them: before the nodes are written, for which an answer would wait.
func (w *componentWriter) namesakes(key bos.SessionKey) (n namesakes, err error) {
	if err = w.tx.row(w.ctx, sameName, key.Name, key.Tenant).Scan(&n.others, &n.has); err != nil {
		err = fmt.Errorf("look for other sessions of the name %s: %w", key.Name, err)
	}
	return n, err
}

// enlist makes nodes those of a session that is being set up; sets are their boot sets.
func (w *componentWriter) enlist(s bos.SessionRecord, of namesakes, nodes []string, sets map[string]string) error {
	key, state, query := s.Key(), memberWorking, newMembers
	if s.Stage {
		state = memberStaged
	}
	if of.has > 0 {
		query = setUpMembers
	}
	for at := 0; at < len(nodes); at += commitPage {
		page := nodes[at:min(at+commitPage, len(nodes))]
		list := []byte{}
		for i, id := range page {
			list = append(append(list, "[,"[min(i, 1)]), '[')
			list = append(document.AppendText(list, id), ',')
			list = append(document.AppendText(list, sets[id]), ']')
		}
		list = append(list, ']')
		if of.others > 0 {
			taken, err := json.Marshal(page)
			if err == nil {
				err = w.change(otherMembers, key.Name, key.Tenant, bos.StatusTakenOver, w.now(), string(taken))
			}
			if err != nil {
				return err
			}
		}
		if err := w.change(query, key.Name, key.Tenant, state, s.Revision, string(list), at); err != nil {
			return err
		}
	}
	return w.tx.countMembers(w.ctx, len(nodes))
}

// manyMembers is from how many on a session is so large that a plan for a small one, which
// takes time with the square of its nodes, would be noticed before the database has counted
// by itself, or the sweep behind a large write has.
const manyMembers = 2000

// countMembers lets the database know that a session of n nodes was written: a plan that
// takes it for a small one, as most are, looks through a list anew for each of its nodes.
func (t *tx) countMembers(ctx context.Context, n int) error {
	if n < manyMembers || t.dialect.Count == "" {
		return nil
	}
	if err := t.exec(ctx, t.dialect.Count); err != nil {
		return fmt.Errorf("count the nodes of sessions: %w", err)
	}
	return nil
}

// list makes a session's nodes those of its list, because a client wrote it.
func (t *tx) list(ctx context.Context, s bos.SessionRecord) error {
	nodes := bos.Distinct(bos.ComponentList(s.Components))
	ids, err := json.Marshal(nodes)
	if err != nil {
		return err
	}
	key := s.Key()
	if err := t.exec(ctx, unlistMembers, key.Name, key.Tenant, string(ids)); err != nil {
		return fmt.Errorf("write the nodes of session %s: %w", key.Name, err)
	}
	for at := 0; at < len(nodes); at += commitPage {
		if ids, err = json.Marshal(nodes[at:min(at+commitPage, len(nodes))]); err != nil {
			return err
		}
		if err := t.exec(ctx, listMembers, key.Name, key.Tenant, string(ids), s.Revision, at); err != nil {
			return fmt.Errorf("write the nodes of session %s: %w", key.Name, err)
		}
	}
	return t.countMembers(ctx, len(nodes))
}

const (
	// listedMembers is the list that a session shows, in the order that it was given.
	listedMembers = `SELECT COALESCE(string_agg(component, ','), '') FROM
(SELECT component FROM session_nodes WHERE session = ? AND tenant = ? AND listed > 0 ORDER BY listed, component) AS l`
	// whoseMembers finds the session that joined last, of those that have a node.
	whoseMembers = "SELECT component, tenant FROM FOUND(session_nodes, component, ?2, session = ?1) AS n WHERE state <> 'left' ORDER BY joined, tenant"
)

// SessionComponents is the list of nodes that a session shows.
func (s *Store) SessionComponents(ctx context.Context, key bos.SessionKey) (string, error) {
	var list string
	if err := s.row(ctx, listedMembers, key.Name, key.Tenant).Scan(&list); err != nil {
		return "", fmt.Errorf("list the nodes of session %s: %w", key.Name, err)
	}
	return list, nil
}

// SessionsOf says which sessions of a name have components.
func (s *Store) SessionsOf(ctx context.Context, name string, components []string) (map[string]bos.SessionKey, error) {
	ids, err := json.Marshal(components)
	if err != nil {
		return nil, err
	}
	of := make(map[string]bos.SessionKey)
	err = s.each(ctx, func(row scanner) error {
		var id, tenant string
		err := row.Scan(&id, &tenant)
		of[id] = bos.SessionKey{Tenant: tenant, Name: name}
		return err
	}, whoseMembers, name, string(ids))
	if err != nil {
		return nil, fmt.Errorf("look for who has nodes of session %s: %w", name, err)
	}
	return of, nil
}

// ownMembers are the components that a session has at the moment and that name it. That they
// do is asked so that it is no way to find them: their rows are.
const ownMembers = ` WHERE id IN (SELECT component FROM session_nodes WHERE session = ?1 AND tenant = ?2 AND state <> 'left')
AND ?1 IN (session, staged_session) ORDER BY id`

const selectMembers = `SELECT n.component, n.boot_set, n.state, n.outcome, n.cause, n.error, n.phase, n.finished, n.began,
COALESCE(c.status, ''), COALESCE(c.phase, ''), COALESCE(c.error, ''), COALESCE(FIELD(c.work, cause), ''), COALESCE(OBJECT(c.work, waiting), ''), COALESCE(c.enabled, 0), COALESCE(c.since, 0)
FROM session_nodes n LEFT JOIN components c ON c.id = n.component AND c.id > ?3
WHERE n.session = ?1 AND n.tenant = ?2 AND n.component > ?3 ORDER BY n.component LIMIT ?4`

// SessionNodes says what became of the nodes of a session.
func (s *Store) SessionNodes(ctx context.Context, key bos.SessionKey, after string, limit int) ([]bos.NodeOutcome, error) {
	if limit == bos.AllNodes {
		limit = math.MaxInt
	}
	var list []bos.NodeOutcome
	err := s.each(ctx, func(row scanner) error {
		var n, live bos.NodeOutcome
		var state, waiting string
		var finished, began, since int64
		var enabled bool
		if err := row.Scan(&n.ID, &n.BootSet, &state, &n.Status, &n.Cause, &n.Error, &n.At, &finished, &began, &live.Status, &live.Phase, &live.Error, &live.Cause, &waiting, &enabled, &since); err != nil {
			return err
		}
		switch {
		case state == memberStaged:
			n.Status = bos.StatusStaged
		case state != memberLeft:
			n.Status, n.Phase, n.Error, n.Cause, n.Since = live.Status, live.Phase, live.Error, live.Cause, atNanos(since)
			if enabled && waiting != "" {
				var w bos.Waiting
				if err := json.Unmarshal([]byte(waiting), &w); err != nil {
					return fmt.Errorf("component %s: stored wait: %w", n.ID, err)
				}
				n.Wait = w.Node(n.ID, key.Name)
			}
		}
		n.Finished, n.Began = atNanos(finished), atNanos(began)
		n.Sentence = n.Cause.Sentence()
		list = append(list, n)
		return nil
	}, selectMembers, key.Name, key.Tenant, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the nodes of session %s: %w", key.Name, err)
	}
	return list, nil
}

// atNanos is a stored time in full resolution, none for 0.
func atNanos(at int64) bos.Time {
	if at <= 0 {
		return bos.Time{}
	}
	return bos.Time{Time: time.Unix(0, at).UTC()}
}

// done says that whoever has the node is done with it.
func (f filters) done() bool { return f[0] != "1" }

// outcome is what is told of a node that a session is done with.
func (f filters) outcome() [2]string { return [2]string{f[2], f[5]} }

func (f filters) phase() string { return f[1] }

func (f filters) status() string { return f[2] }

func (f filters) session() string { return f[3] }

func (f filters) staged() string { return f[4] }
