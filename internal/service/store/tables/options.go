package tables

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Options reads the options; what was never set has its default, and so has
// what is not allowed any more.
func (s *Store) Options(ctx context.Context) (bos.Options, error) {
	return scanOptions(s.row(ctx, selectOptions))
}

func scanOptions(row scanner) (bos.Options, error) {
	o, _, err := repairedOptions(row)
	return o, err
}

func repairedOptions(row scanner) (bos.Options, []string, error) {
	var document []byte
	err := row.Scan(&document)
	if notThere(err) {
		return bos.DefaultOptions(), nil, nil
	}
	if err != nil {
		return bos.Options{}, nil, fmt.Errorf("read the options: %w", err)
	}
	return bos.ReadOptions(document)
}

// RepairOptions stores the options anew if a stored value is not allowed any
// more, and says so: an older version may have taken it.
func (s *Store) RepairOptions(ctx context.Context) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		o, repairs, err := repairedOptions(t.row(ctx, selectOptions))
		if err != nil || len(repairs) == 0 {
			return err
		}
		for _, repair := range repairs {
			s.log.Warn(repair)
		}
		return putOptions(ctx, t, o)
	})
}

const selectOptions = "SELECT document FROM options"

func putOptions(ctx context.Context, t *tx, o bos.Options) error {
	document, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err = t.exec(ctx, "INSERT INTO options (one, document) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET document = ?1", string(document)); err != nil {
		return fmt.Errorf("write the options: %w", err)
	}
	change, err := t.changing(ctx)
	if err != nil {
		return err
	}
	change.Options = true
	return nil
}

// MutateOptions changes the options.
func (s *Store) MutateOptions(ctx context.Context, fn func(*bos.Options) error, notes ...bos.Event) (bos.Options, error) {
	var out bos.Options
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		o, err := scanOptions(t.row(ctx, selectOptions))
		if err != nil {
			return err
		}
		if err := fn(&o); err != nil {
			return err
		}
		out = o
		if err := putOptions(ctx, t, o); err != nil {
			return err
		}
		return t.note(ctx, notes)
	})
	return out, err
}
