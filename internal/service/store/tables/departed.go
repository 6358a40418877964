package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// depart keeps what is remembered of a component that is deleted and that is of the
// machine.
func (w *componentWriter) depart(r *bos.Record) error {
	kept := r.Departed()
	if kept == (bos.Work{}) {
		return nil
	}
	work, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := w.tx.exec(w.ctx, "INSERT INTO departed (component, work) VALUES (?, ?)", r.ID, string(work)); err != nil {
		return fmt.Errorf("keep what is remembered of component %s: %w", r.ID, err)
	}
	return nil
}

// recall gives records that are created what was kept of the components that had their
// names before.
func (w *componentWriter) recall(list []write) error {
	made := make(map[string]*bos.Record)
	ids := make([]string, 0, len(list))
	for i := range list {
		if list[i].insert {
			made[list[i].record.ID] = list[i].record
			ids = append(ids, list[i].record.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	encoded, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	kept := make(map[string]bos.Work)
	rows, err := w.tx.query(w.ctx, "SELECT component, work FROM departed WHERE component IN (SELECT value FROM LIST(?) AS l)", string(encoded))
	if err != nil {
		return fmt.Errorf("read what is remembered of deleted components: %w", err)
	}
	err = eachRow(rows, func(row scanner) error {
		var id, text string
		if err := row.Scan(&id, &text); err != nil {
			return err
		}
		var work bos.Work
		if json.Unmarshal([]byte(text), &work) != nil {
			work = bos.Work{} // it is of no use to anybody
		}
		kept[id] = work
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what is remembered of deleted components: %w", err)
	}
	for id, work := range kept {
		made[id].Return(work)
		w.recalled = true
		if err := w.tx.exec(w.ctx, "DELETE FROM departed WHERE component = ?", id); err != nil {
			return fmt.Errorf("take up what is remembered of component %s: %w", id, err)
		}
	}
	return nil
}

// goneWork is what is remembered of one that is deleted, as it is stored.
type goneWork struct{ component, work string }

// ForgetDeparted forgets what is remembered of deleted components and can show no more, some
// at a time.
func (s *Store) ForgetDeparted(ctx context.Context, fence int64, shown time.Time) error {
	for after, n := "", tidyPage; n == tidyPage; {
		var old []goneWork
		n = 0
		err := s.each(ctx, func(row scanner) error {
			var one goneWork
			if err := row.Scan(&one.component, &one.work); err != nil {
				return err
			}
			n, after = n+1, one.component
			var work bos.Work
			if json.Unmarshal([]byte(one.work), &work) != nil || work.Outlived(shown) {
				old = append(old, one)
			}
			return nil
		}, "SELECT component, work FROM departed WHERE component > ? ORDER BY component LIMIT ?", after, tidyPage)
		if err == nil && len(old) > 0 {
			err = s.writer.do(ctx, func(ctx context.Context, t *tx) error { return forgetDeparted(ctx, t, fence, old) })
		}
		if err != nil {
			return fmt.Errorf("forget what is remembered of deleted components: %w", err)
		}
	}
	return nil
}

// forgetDeparted leaves what was written anew since it was read, of one that came back and
// was deleted again.
func forgetDeparted(ctx context.Context, t *tx, fence int64, old []goneWork) error {
	if err := checkFence(ctx, t, fence); err != nil {
		return err
	}
	for _, one := range old {
		if err := t.exec(ctx, "DELETE FROM departed WHERE component = ? AND work = ?", one.component, one.work); err != nil {
			return err
		}
	}
	return nil
}
