package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Commit writes a pass of the engine in one transaction.
func (s *Store) Commit(ctx context.Context, c bos.Commit) (bos.Committed, error) {
	var done bos.Committed
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		done = bos.Committed{}
		conflicts := &done.Conflicts
		if err := checkFence(ctx, t, c.Fence); err != nil {
			return err
		}
		recalled, err := s.commitComponents(ctx, t, c.Components, conflicts)
		if err != nil {
			return err
		}
		if err := commitSessions(ctx, t, c.Sessions, conflicts); err != nil {
			return err
		}
		if err := expireSessions(ctx, t, c.Expired, conflicts); err != nil {
			return err
		}
		if t.feed.numbered && !recalled {
			done.Revision = t.feed.newest
		}
		rest := c // which is whole again if this is made anew
		rest.Events = withoutConflicts(c.Events, *conflicts)
		return s.commitRest(ctx, t, rest)
	})
	return done, err
}

// withoutConflicts leaves the events out whose component or session was not
// written: what they tell did not happen.
func withoutConflicts(events []bos.Event, conflicts bos.Conflicts) []bos.Event {
	if conflicts.None() {
		return events
	}
	lost := make(map[string]bool, len(conflicts.Components))
	for _, id := range conflicts.Components {
		lost[id] = true
	}
	return slices.DeleteFunc(slices.Clone(events), func(e bos.Event) bool {
		if e.Component != "" {
			return lost[e.Component]
		}
		return slices.Contains(conflicts.Sessions, bos.SessionKey{Tenant: e.Tenant, Name: e.Session})
	})
}

func checkFence(ctx context.Context, t *tx, fence int64) error {
	if fence == bos.NoFence {
		return nil
	}
	var current int64 // that of nobody, as long as nobody has ever had the lease
	err := t.row(ctx, "SELECT fence FROM lease").Scan(&current)
	if err != nil && !notThere(err) {
		return fmt.Errorf("read the lease: %w", err)
	}
	if fence != current { // a higher one is of a lease that the database has lost
		return bos.ErrFenced
	}
	return nil
}

var readColumns = "SELECT id, revision, " + strings.Join(filterColumns[:], ", ") + " FROM FOUND(components, id, ?) AS c"

// written is no revision: that of a record which this commit has written.
const written = -1

// storedColumns is the revision and the columns of a stored record.
type storedColumns struct {
	revision int64
	filters  filters
}

// commitPage is how many records of a commit are compared with what is stored, and
// about how many one statement writes: what that takes in memory and time is bounded.
const commitPage = 2000

// commitComponents writes the records whose revision is still the stored one, and says
// whether some were stored otherwise than they are given.
func (s *Store) commitComponents(ctx context.Context, t *tx, list []bos.Record, conflicts *bos.Conflicts) (recalled bool, err error) {
	w := s.componentWriter(ctx, t)
	for page := range slices.Chunk(list, commitPage) {
		if err := w.commit(page, conflicts); err != nil {
			return false, err
		}
	}
	return w.recalled, nil
}

func (w *componentWriter) commit(list []bos.Record, conflicts *bos.Conflicts) error {
	known, err := storedColumnsOf(w.ctx, w.tx, list)
	if err != nil {
		return err
	}
	writes := make([]write, 0, len(list))
	for i := range list {
		r := &list[i]
		now := known[r.ID]
		if now.revision != r.Revision {
			conflicts.Components = append(conflicts.Components, r.ID)
			continue
		}
		writes = append(writes, write{record: r, insert: now.revision == 0, before: now.filters})
		// One that comes twice was computed from what is no longer stored.
		known[r.ID] = storedColumns{revision: written}
	}
	return w.write(writes)
}

func storedColumnsOf(ctx context.Context, t *tx, list []bos.Record) (map[string]storedColumns, error) {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	encoded, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := t.query(ctx, readColumns, string(encoded))
	if err != nil {
		return nil, fmt.Errorf("read the revisions of components: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	known := make(map[string]storedColumns, len(list))
	for rows.Next() {
		var id string
		var s storedColumns
		f := &s.filters
		if err := rows.Scan(&id, &s.revision, &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6], &f[7]); err != nil {
			return nil, err
		}
		known[id] = s
	}
	return known, rows.Err()
}

func commitSessions(ctx context.Context, t *tx, list []bos.SessionRecord, conflicts *bos.Conflicts) error {
	for _, r := range list {
		stored, err := readSession(ctx, t, r.Key())
		if err != nil && !errors.Is(err, bos.ErrNotFound) {
			return err
		}
		if err != nil || stored.Revision != r.Revision {
			conflicts.Sessions = append(conflicts.Sessions, r.Key())
			continue
		}
		if _, err := putSession(ctx, t, r); err != nil {
			return err
		}
	}
	return nil
}

// expireSessions deletes the sessions whose revision is still the stored one.
func expireSessions(ctx context.Context, t *tx, list []bos.ChangedSession, conflicts *bos.Conflicts) error {
	for _, old := range list {
		var revision int64
		err := t.row(ctx, "SELECT revision FROM sessions WHERE tenant = ? AND name = ?", old.Key.Tenant, old.Key.Name).Scan(&revision)
		if err != nil && !notThere(err) {
			return fmt.Errorf("read session %s: %w", old.Key.Name, err)
		}
		if revision != old.Revision {
			conflicts.Sessions = append(conflicts.Sessions, old.Key)
			continue
		}
		if err := t.deleteSession(ctx, old.Key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) commitRest(ctx context.Context, t *tx, c bos.Commit) error {
	arts := interningIn(ctx, t)
	for token, artifacts := range c.Tokens {
		id, err := arts.add(artifacts)
		if err == nil {
			err = putToken(ctx, t, token, id)
		}
		if err != nil {
			return err
		}
	}
	return t.note(ctx, c.Events)
}
