package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// appliedKept is how long is known what was applied by a receipt: for as long as
// somebody may apply an old plan again.
const appliedKept = 30 * 24 * time.Hour

// PutStagedReceipt keeps a receipt until it expires.
func (s *Store) PutStagedReceipt(ctx context.Context, run bos.StagedRun) error {
	document, err := json.Marshal(run)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := t.exec(ctx, "DELETE FROM staged_receipts WHERE expires < ? OR id <= (SELECT MAX(id) FROM staged_receipts) - ?",
			run.Created.UnixNano(), maxReceipts); err != nil {
			return err
		}
		return t.exec(ctx, "INSERT INTO staged_receipts (number, tenant, run_key, expires, document) VALUES (?, ?, ?, ?, ?)",
			run.Receipt, run.Tenant, run.RunKey, run.Expires.UnixNano(), string(document))
	})
}

const ofStagedReceipt = "SELECT document FROM staged_receipts WHERE number = ? AND tenant = ? AND expires > ?"

// StagedReceipt returns the receipt of a number that has not expired.
func (s *Store) StagedReceipt(ctx context.Context, tenant, number string, now time.Time) (bos.StagedRun, error) {
	return scanOne[bos.StagedRun](s.row(ctx, ofStagedReceipt, number, tenant, now.UnixNano()))
}

// NewestStagedReceipt returns the newest receipt of a run key that has not expired, or
// the newest of those by which something was applied.
func (s *Store) NewestStagedReceipt(ctx context.Context, tenant, runKey string, applied bool, now time.Time) (bos.StagedRun, error) {
	query := "SELECT document FROM staged_receipts WHERE run_key = ? AND tenant = ? AND expires > ?"
	if applied {
		query += " AND applied > 0 ORDER BY applied DESC, id DESC LIMIT 1"
	} else {
		query += " ORDER BY id DESC LIMIT 1"
	}
	return scanOne[bos.StagedRun](s.row(ctx, query, runKey, tenant, now.UnixNano()))
}

// MutateStaged changes records as MutateComponents does, together with the receipt that
// they are changed by.
func (s *Store) MutateStaged(ctx context.Context, tenant, number string, now time.Time, ids []string,
	fn func(nodes bos.StagedNodes, r *bos.Record, exists bool) error, notes ...bos.Event,
) (run bos.StagedRun, written []bos.Record, err error) {
	err = s.writer.doWith(ctx, ids, nil, func(ctx context.Context, t *tx) error {
		var err error
		if run, err = scanOne[bos.StagedRun](t.row(ctx, ofStagedReceipt, number, tenant, now.UnixNano())); err != nil {
			return err
		}
		if run.Nodes == nil {
			run.Nodes = make(bos.StagedNodes)
		}
		w := s.componentWriter(ctx, t)
		before, err := w.load(ids)
		if err != nil {
			return err
		}
		if written, err = w.mutate(ids, before, func(r *bos.Record, exists bool) error { return fn(run.Nodes, r, exists) }); err != nil {
			return err
		}
		if run.AppliedAt.IsZero() {
			run.AppliedAt, run.Expires = bos.At(now), now.Add(appliedKept).UTC()
		}
		document, err := json.Marshal(run)
		if err != nil {
			return err
		}
		if err := t.exec(ctx, "UPDATE staged_receipts SET document = ?, applied = ?, expires = ? WHERE number = ?",
			string(document), now.UnixNano(), run.Expires.UnixNano(), number); err != nil {
			return fmt.Errorf("note what was applied by receipt %s: %w", number, err)
		}
		return t.noteComponents(ctx, w.written, notes)
	})
	if err != nil {
		return bos.StagedRun{}, nil, err
	}
	return run, written, nil
}
