package tables

import (
	"encoding/json"
	"fmt"

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
