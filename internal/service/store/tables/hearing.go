package tables

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// keepTold is how many times hints were told that wait to be taken.
const keepTold = 256

// Ask asks that all that is stored now be heard.
func (s *Store) Ask(ctx context.Context) (int64, error) {
	var position int64
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := t.row(ctx, selectNewest).Scan(&position); err != nil {
			return fmt.Errorf("read the newest revision: %w", err)
		}
		return t.exec(ctx, "UPDATE lease SET asked = ?1 WHERE asked < ?1", position)
	})
	return position, err
}

// Heard is how far that is.
func (s *Store) Heard(ctx context.Context) (bos.Heard, error) {
	var h bos.Heard
	var holder string
	var kept, told int64
	err := s.row(ctx, "SELECT holder, expires, asked, heard, (SELECT COUNT(*) FROM told) FROM lease").Scan(&holder, &kept, &h.Asked, &h.Upto, &told)
	switch {
	case notThere(err):
		return bos.Heard{Nobody: true}, nil
	case err != nil:
		return bos.Heard{}, fmt.Errorf("read how far the engine has heard: %w", err)
	}
	h.Nobody, h.Hints = holder == "" || kept == 0, told > 0
	return h, nil
}

// Hear says that the service with the fence acts on all up to a position.
func (s *Store) Hear(ctx context.Context, fence, position int64) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := checkFence(ctx, t, fence); err != nil {
			return err
		}
		return t.exec(ctx, "UPDATE lease SET heard = ?1 WHERE heard < ?1", position)
	})
}

// Tell leaves hints for the service that drives.
func (s *Store) Tell(ctx context.Context, hints bos.Hints) error {
	what, err := json.Marshal(hints)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		var last int64
		if err := t.row(ctx, "SELECT COALESCE(MAX(number), 0) FROM told").Scan(&last); err != nil {
			return fmt.Errorf("read how many hints wait: %w", err)
		}
		if err := t.exec(ctx, "INSERT INTO told (number, what) VALUES (?, ?)", last+1, string(what)); err != nil {
			return fmt.Errorf("leave hints: %w", err)
		}
		return t.exec(ctx, "DELETE FROM told WHERE number <= ?", last+1-keepTold)
	})
}

// Told takes the hints that others left.
func (s *Store) Told(ctx context.Context, fence int64) (bos.Hints, error) {
	var all bos.Hints
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		all = bos.Hints{}
		if err := checkFence(ctx, t, fence); err != nil {
			return err
		}
		rows, err := t.query(ctx, "SELECT what FROM told ORDER BY number")
		if err != nil {
			return fmt.Errorf("read the hints of others: %w", err)
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells
		for rows.Next() {
			var what string
			if err := rows.Scan(&what); err != nil {
				return err
			}
			var some bos.Hints
			if json.Unmarshal([]byte(what), &some) != nil {
				continue // hints are no more than that
			}
			all.Power, all.Scripts = append(all.Power, some.Power...), append(all.Scripts, some.Scripts...)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return t.exec(ctx, "DELETE FROM told")
	})
	return all, err
}
