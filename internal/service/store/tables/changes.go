package tables

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

const (
	// keepChanges bounds the feed, in names of records, and rowSize is what a
	// row of it counts beside its names: few large transactions fill it, or
	// many small ones.
	keepChanges = 200_000
	rowSize     = 10
	// pruneChanges is how much is written, likewise, until old rows are looked for.
	pruneChanges = keepChanges / 10
)

// feed is what the open transaction changes.
type feed struct {
	// newest is the last revision that was given out, 0 before the first.
	newest int64
	// numbered says that the current job has a revision.
	numbered  bool
	writes    []change
	unwritten int // of pruneChanges
}

// change is what one job changed.
type change struct {
	Revision   int64       `json:"revision"`
	Components []string    `json:"components,omitempty"`
	Sessions   [][2]string `json:"sessions,omitempty"` // tenant, name
	Templates  bool        `json:"templates,omitempty"`
	Options    bool        `json:"options,omitempty"`
	SitePause  bool        `json:"site_pause,omitempty"`
}

func (c *change) session(key bos.SessionKey) {
	c.Sessions = append(c.Sessions, [2]string{key.Tenant, key.Name})
}

func (c *change) size() int { return 1 + len(c.Components) + len(c.Sessions) }

// changing is what the current job changes, with a revision of its own.
func (t *tx) changing(ctx context.Context) (*change, error) {
	f := &t.feed
	if !f.numbered {
		if f.newest == 0 {
			f.newest = t.ahead.revision
		}
		if f.newest == 0 {
			if err := t.row(ctx, selectNewest).Scan(&f.newest); err != nil {
				return nil, fmt.Errorf("read the newest revision: %w", err)
			}
		}
		f.newest++
		f.numbered = true
		f.writes = append(f.writes, change{Revision: f.newest})
	}
	return &f.writes[len(f.writes)-1], nil
}

const (
	selectNewest = "SELECT MAX(revision) FROM changes"
	insertChange = "INSERT INTO changes (revision, size, what) VALUES (?, ?, ?)"
	// deleteChanges leaves the newest rows whose sizes add up to the bound, and
	// always the very newest.
	deleteChanges = `DELETE FROM changes WHERE revision < (SELECT MIN(revision) FROM
(SELECT revision, SUM(size) OVER (ORDER BY revision DESC) - size AS newer FROM changes) AS l WHERE newer <= ?)`
	// selectChanges reads from the last row on that the reader knows.
	selectChanges = `SELECT revision, what FROM changes
WHERE revision >= (SELECT MAX(revision) FROM changes WHERE revision <= ?) ORDER BY revision`
)

// tell writes into the feed what the transaction changed.
func (t *tx) tell(ctx context.Context) error {
	f := &t.feed
	if len(f.writes) == 0 {
		return nil
	}
	size := rowSize
	what := []byte{'['}
	for i := range f.writes {
		if i > 0 {
			what = append(what, ',')
		}
		what = f.writes[i].append(what)
		size += f.writes[i].size()
	}
	what = append(what, ']')
	if err := t.exec(ctx, insertChange, f.newest, size, string(what)); err != nil {
		return fmt.Errorf("write what changed: %w", err)
	}
	if f.unwritten += size; f.unwritten < pruneChanges {
		return nil
	}
	f.unwritten = 0
	if err := t.exec(ctx, deleteChanges, keepChanges); err != nil {
		return fmt.Errorf("remove old changes: %w", err)
	}
	return nil
}

// changedSince lists the components that were written after a position, also by this
// transaction; known says that the feed still has that position. It is gone where the feed
// does not go so far back, and where the database lost it: one that failed over to a standby
// that was behind, or was restored, gives the same revisions out again.
func (t *tx) changedSince(ctx context.Context, position int64) (ids []string, known bool, err error) {
	rows, err := t.query(ctx, selectChanges, position)
	if err != nil {
		return nil, false, err
	}
	first := true
	err = eachRow(rows, func(row scanner) error {
		var revision int64
		var what string
		if err := row.Scan(&revision, &what); err != nil {
			return err
		}
		if first {
			first, known = false, revision == position
			return nil
		}
		var writes []change
		if err := json.Unmarshal([]byte(what), &writes); err != nil {
			return fmt.Errorf("revision %d: %w", revision, err)
		}
		for _, w := range writes {
			ids = append(ids, w.Components...)
		}
		return nil
	})
	for _, w := range t.feed.writes {
		ids = append(ids, w.Components...)
	}
	return ids, known, err
}

// append appends the change as JSON: one names all components of a room.
func (c *change) append(to []byte) []byte {
	to = strconv.AppendInt(append(to, `{"revision":`...), c.Revision, 10)
	list := func(name string, n int, each func(i int)) {
		for i := range n {
			to = append(to, ',')
			if i == 0 {
				to = append(append(append(to, '"'), name...), `":[`...)
			}
			each(i)
		}
		if n > 0 {
			to = append(to, ']')
		}
	}
	list("components", len(c.Components), func(i int) { to = document.AppendText(to, c.Components[i]) })
	list("sessions", len(c.Sessions), func(i int) {
		to = document.AppendText(append(to, '['), c.Sessions[i][0])
		to = append(document.AppendText(append(to, ','), c.Sessions[i][1]), ']')
	})
	if c.Templates {
		to = append(to, `,"templates":true`...)
	}
	if c.Options {
		to = append(to, `,"options":true`...)
	}
	if c.SitePause {
		to = append(to, `,"site_pause":true`...)
	}
	return append(to, '}')
}

// Changes tells what was written after a position.
func (s *Store) Changes(ctx context.Context, after int64) (bos.Changes, error) {
	var c bos.Changes
	components, sessions := make(map[string]int64), make(map[bos.SessionKey]int64)
	behind, foreign := true, false
	err := s.each(ctx, func(row scanner) error {
		var what string
		if err := row.Scan(&c.Newest, &what); err != nil {
			return err
		}
		if behind { // the row that the reader knows
			behind, foreign = false, c.Newest != after
			return nil
		}
		var writes []change
		if err := json.Unmarshal([]byte(what), &writes); err != nil {
			return fmt.Errorf("revision %d: %w", c.Newest, err)
		}
		for _, w := range writes {
			for _, id := range w.Components {
				components[id] = w.Revision
			}
			for _, key := range w.Sessions {
				sessions[bos.SessionKey{Tenant: key[0], Name: key[1]}] = w.Revision
			}
			c.Templates, c.Options = c.Templates || w.Templates, c.Options || w.Options
			c.SitePause = c.SitePause || w.SitePause
		}
		return nil
	}, selectChanges, after)
	if err != nil {
		return bos.Changes{}, fmt.Errorf("read what changed: %w", err)
	}
	if behind || foreign {
		// The rows that are kept are the newest: where there are some from before a position
		// and none is that, none ever was, or it is lost.
		return s.all(ctx, foreign)
	}
	for id, revision := range components {
		c.Components = append(c.Components, bos.ChangedComponent{ID: id, Revision: revision})
	}
	for key, revision := range sessions {
		c.Sessions = append(c.Sessions, bos.ChangedSession{Key: key, Revision: revision})
	}
	slices.SortFunc(c.Components, func(a, b bos.ChangedComponent) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(c.Sessions, func(a, b bos.ChangedSession) int {
		return cmp.Or(cmp.Compare(a.Key.Tenant, b.Key.Tenant), cmp.Compare(a.Key.Name, b.Key.Name))
	})
	return c, nil
}

// all tells a reader to load anew what it keeps: what it then reads is at least
// as new as the position that it gets.
func (s *Store) all(ctx context.Context, foreign bool) (bos.Changes, error) {
	c := bos.Changes{All: true, Foreign: foreign}
	err := s.each(ctx, func(row scanner) error { return row.Scan(&c.Newest) }, selectNewest)
	if err != nil {
		return bos.Changes{}, fmt.Errorf("read the newest revision: %w", err)
	}
	return c, nil
}
