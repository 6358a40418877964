package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// errConflict undoes an all-or-nothing commit.
var errConflict = errors.New("conflict")

// Commit writes a pass of the engine in one transaction.
func (s *Store) Commit(ctx context.Context, c bos.Commit) (bos.Conflicts, error) {
	var conflicts bos.Conflicts
	err := s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		conflicts = bos.Conflicts{}
		if err := checkFence(ctx, tx, c.Fence); err != nil {
			return err
		}
		if err := commitComponents(ctx, tx, c.Components, &conflicts); err != nil {
			return err
		}
		if err := commitSessions(ctx, tx, c.Sessions, &conflicts); err != nil {
			return err
		}
		if c.AllOrNothing && !conflicts.None() {
			return errConflict
		}
		return commitRest(ctx, tx, c)
	})
	if errors.Is(err, errConflict) {
		err = nil
	}
	return conflicts, err
}

func checkFence(ctx context.Context, tx *sql.Tx, fence int64) error {
	var current int64
	err := tx.QueryRowContext(ctx, "SELECT fence FROM lease").Scan(&current)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read the lease: %w", err)
	case fence < current:
		return bos.ErrFenced
	default:
		return nil
	}
}

func commitComponents(ctx context.Context, tx *sql.Tx, list []bos.Record, conflicts *bos.Conflicts) error {
	if len(list) == 0 {
		return nil
	}
	read, err := tx.PrepareContext(ctx, "SELECT revision FROM components WHERE id = ?")
	if err != nil {
		return err
	}
	defer read.Close() //nolint:errcheck // the transaction's end closes it
	w, err := newComponentWriter(ctx, tx)
	if err != nil {
		return err
	}
	defer w.close()
	for _, r := range list {
		var stored int64
		err := read.QueryRowContext(ctx, r.ID).Scan(&stored)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read the revision of component %s: %w", r.ID, err)
		}
		if stored != r.Revision {
			conflicts.Components = append(conflicts.Components, r.ID)
			continue
		}
		if err := w.put(ctx, r, r.Revision+1); err != nil {
			return err
		}
	}
	return nil
}

func commitSessions(ctx context.Context, tx *sql.Tx, list []bos.SessionRecord, conflicts *bos.Conflicts) error {
	for _, r := range list {
		stored, err := readSession(ctx, tx, r.Key())
		if err != nil && !errors.Is(err, bos.ErrNotFound) {
			return err
		}
		if err != nil || stored.Revision != r.Revision {
			conflicts.Sessions = append(conflicts.Sessions, r.Key())
			continue
		}
		if err := putSession(ctx, tx, r, r.Revision+1); err != nil {
			return err
		}
	}
	return nil
}

func commitRest(ctx context.Context, tx *sql.Tx, c bos.Commit) error {
	for token, artifacts := range c.Tokens {
		if err := putToken(ctx, tx, token, artifacts); err != nil {
			return fmt.Errorf("write a BSS token: %w", err)
		}
	}
	for _, e := range c.Events {
		if _, err := tx.ExecContext(ctx, "INSERT INTO events (time, component, session, kind, detail) VALUES (?, ?, ?, ?, ?)",
			e.Time.UnixNano(), e.Component, e.Session, e.Kind, e.Detail); err != nil {
			return fmt.Errorf("write an event: %w", err)
		}
	}
	return nil
}
