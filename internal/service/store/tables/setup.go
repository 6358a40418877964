package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// A setup writes all nodes of a session or none, in one transaction, in which nobody else
// writes. So what needs no turn is done before it: the nodes are read beside the writers, and
// those that were written since are read again within.

// SetUp changes a session together with the nodes it selects.
func (s *Store) SetUp(ctx context.Context, setup bos.Setup) (bos.SessionRecord, []bos.Record, error) {
	read, err := s.readSetup(ctx, setup)
	if err != nil {
		return bos.SessionRecord{}, nil, err
	}
	return s.setUp(ctx, setup, read)
}

// setupRead is what was read of the nodes of a setup before its turn.
type setupRead struct {
	// nodes are their ids, and sets their boot sets.
	nodes []string
	sets  map[string]string
	// before are the records, by id, as they were at revision or a little later, and after is
	// a copy to be changed; both are nil once a transaction had them.
	before, after []bos.Record
	revision      int64
}

func (s *Store) readSetup(ctx context.Context, setup bos.Setup) (*setupRead, error) {
	r := &setupRead{nodes: make([]string, len(setup.Nodes)), sets: make(map[string]string, len(setup.Nodes))}
	for i, node := range setup.Nodes {
		r.nodes[i], r.sets[node.ID] = node.ID, node.BootSet
	}
	slices.Sort(r.nodes)
	r.nodes = slices.Compact(r.nodes)
	if err := s.row(ctx, selectNewest).Scan(&r.revision); err != nil {
		return nil, fmt.Errorf("read the newest revision: %w", err)
	}
	r.before = make([]bos.Record, 0, len(r.nodes))
	for page := range slices.Chunk(r.nodes, loadPage) {
		list, err := s.Components(ctx, bos.ComponentFilter{IDs: page, Readable: true})
		if err != nil {
			return nil, err
		}
		r.before = append(r.before, list...)
	}
	r.after = slices.Clone(r.before)
	return r, nil
}

// current gives the records out as they are now, and a copy of them to be changed.
func (r *setupRead) current(w *componentWriter) (before, after []bos.Record, err error) {
	before, after = r.before, r.after
	// A transaction that is made anew may have read what was undone since.
	r.before, r.after = nil, nil
	known := before != nil
	var changed []string
	if known {
		if changed, known, err = w.tx.changedSince(w.ctx, r.revision); err != nil {
			return nil, nil, fmt.Errorf("look for nodes that were written since they were read: %w", err)
		}
	}
	if !known {
		if before, err = w.loadMany(r.nodes); err != nil {
			return nil, nil, err
		}
		return before, slices.Clone(before), nil
	}
	if changed = slices.DeleteFunc(changed, func(id string) bool { _, selected := r.sets[id]; return !selected }); len(changed) == 0 {
		return before, after, nil
	}
	now, err := w.loadMany(changed)
	if err != nil {
		return nil, nil, err
	}
	return overlaid(before, changed, now), overlaid(after, changed, now), nil
}

// overlaid are records, by id, with those of some ids as they are now: changed, new or gone.
func overlaid(list []bos.Record, ids []string, now []bos.Record) []bos.Record {
	at := make(map[string]*bos.Record, len(ids))
	for _, id := range ids {
		at[id] = nil
	}
	for i := range now {
		at[now[i].ID] = &now[i]
	}
	var gone bool
	for i := range list {
		r, changed := at[list[i].ID]
		if !changed {
			continue
		}
		delete(at, list[i].ID)
		if r == nil {
			list[i].ID, gone = "", true
			continue
		}
		list[i] = *r
	}
	if gone {
		list = slices.DeleteFunc(list, func(r bos.Record) bool { return r.ID == "" })
	}
	known := len(list)
	for _, r := range at {
		if r != nil {
			list = append(list, *r)
		}
	}
	if len(list) > known {
		slices.SortFunc(list, func(a, b bos.Record) int { return strings.Compare(a.ID, b.ID) })
	}
	return list
}

func (s *Store) setUp(ctx context.Context, setup bos.Setup, read *setupRead) (bos.SessionRecord, []bos.Record, error) {
	var out bos.SessionRecord
	var written []bos.Record
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := checkFence(ctx, t, setup.Fence); err != nil {
			return err
		}
		session, err := readSession(ctx, t, setup.Session)
		if errors.Is(err, bos.ErrNotFound) || err == nil && session.Revision != setup.Revision {
			return bos.ErrChanged
		}
		if err != nil {
			return err
		}
		w := s.componentWriter(ctx, t)
		w.damaged, w.settingUp = s.leftOut, session.Name
		before, after, err := read.current(w)
		if err != nil {
			return err
		}
		armed := setup.Arm(&session, after)
		of, err := w.namesakes(setup.Session)
		if err != nil {
			return err
		}
		if out, written, err = w.writeOwned(session, before, after); err != nil {
			return err
		}
		if err := w.enlist(out, of, armed.Nodes, read.sets); err != nil {
			return err
		}
		return t.note(ctx, armed.Events)
	})
	return out, written, err
}
