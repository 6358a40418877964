package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxReceipts bounds the previews kept.
const maxReceipts = 10_000

// one decodes a stored document; no row is bos.ErrNotFound.
func one[T any](row scanner) (T, error) {
	var v T
	var document []byte
	err := row.Scan(&document)
	if notThere(err) {
		return v, bos.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(document, &v)
	}
	return v, err
}

// Templates lists templates by tenant and name.
func (s *Store) Templates(ctx context.Context, tenant *string) ([]bos.SessionTemplate, error) {
	query, args := "SELECT document FROM templates", []any{}
	if tenant != nil {
		query, args = query+" WHERE tenant = ?", []any{*tenant}
	}
	rows, err := s.query(ctx, query+" ORDER BY tenant, name", args...)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []bos.SessionTemplate
	for rows.Next() {
		var document []byte
		if err := rows.Scan(&document); err != nil {
			return nil, fmt.Errorf("read templates: %w", err)
		}
		t, err := decodeTemplate(document)
		if err != nil {
			return nil, fmt.Errorf("stored template: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// Template reads one template.
func (s *Store) Template(ctx context.Context, tenant, name string) (bos.SessionTemplate, error) {
	var document []byte
	err := s.read.QueryRowContext(context.WithoutCancel(ctx), "SELECT document FROM templates WHERE tenant = ? AND name = ?", tenant, name).Scan(&document)
	if notThere(err) {
		return bos.SessionTemplate{}, bos.ErrNotFound
	}
	if err != nil {
		return bos.SessionTemplate{}, fmt.Errorf("read template %s: %w", name, err)
	}
	return decodeTemplate(document)
}

// PutTemplate creates or replaces a template.
func (s *Store) PutTemplate(ctx context.Context, template bos.SessionTemplate, notes ...bos.Event) error {
	document, err := json.Marshal(template)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO templates (tenant, name, document) VALUES (?1, ?2, ?3)
ON CONFLICT (tenant, name) DO UPDATE SET document = ?3`, bos.TenantOf(template.Tenant), template.Name, string(document))
		if err != nil {
			return fmt.Errorf("write template %s: %w", template.Name, err)
		}
		return t.changedTemplate(ctx, notes)
	})
}

// DeleteTemplate removes a template.
func (s *Store) DeleteTemplate(ctx context.Context, tenant, name string, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := mustAffect(t.exec(ctx, "DELETE FROM templates WHERE tenant = ? AND name = ?", tenant, name)); err != nil {
			return err
		}
		return t.changedTemplate(ctx, notes)
	})
}

func (t *tx) changedTemplate(ctx context.Context, notes []bos.Event) error {
	change, err := t.changing(ctx)
	if err != nil {
		return err
	}
	change.Templates = true
	return t.note(ctx, notes)
}

// Options reads the options; what was never set has its default, and so has
// what is not allowed any more.
func (s *Store) Options(ctx context.Context) (bos.Options, error) {
	return scanOptions(s.read.QueryRowContext(context.WithoutCancel(ctx), selectOptions))
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

// repairOptions stores the options anew if a stored value is not allowed any
// more, and says so: an older version may have taken it.
func (s *Store) repairOptions(ctx context.Context) error {
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
	if _, err = t.exec(ctx, "INSERT OR REPLACE INTO options (one, document) VALUES (1, ?)", string(document)); err != nil {
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

// PutReceipt keeps a preview until it expires.
func (s *Store) PutReceipt(ctx context.Context, r bos.Receipt) error {
	document, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if _, err := t.exec(ctx, "DELETE FROM receipts WHERE expires < ? OR id <= (SELECT MAX(id) FROM receipts) - ?",
			r.Preview.Created.UnixNano(), maxReceipts); err != nil {
			return err
		}
		_, err := t.exec(ctx, "INSERT INTO receipts (key, pin, expires, document) VALUES (?, ?, ?, ?)",
			r.Key, r.Preview.Pin, r.Preview.Expires.UnixNano(), string(document))
		return err
	})
}

// Receipt returns the newest preview for the key that has not expired.
func (s *Store) Receipt(ctx context.Context, key string, now time.Time) (bos.Receipt, error) {
	return one[bos.Receipt](s.read.QueryRowContext(context.WithoutCancel(ctx),
		"SELECT document FROM receipts WHERE key = ? AND expires > ? ORDER BY id DESC LIMIT 1", key, now.UnixNano()))
}

// ReceiptByPin returns the newest preview with the pin, of a tenant or of
// everyone.
func (s *Store) ReceiptByPin(ctx context.Context, tenant *string, pin string) (bos.Receipt, error) {
	query, args := "SELECT document FROM receipts WHERE pin = ?", []any{pin}
	if tenant != nil {
		query, args = query+" AND COALESCE(document ->> '$.Tenant', '') = ?", append(args, *tenant)
	}
	return one[bos.Receipt](s.read.QueryRowContext(context.WithoutCancel(ctx), query+" ORDER BY id DESC LIMIT 1", args...))
}

// noClock stands for a lease without a clock.
const noClock = 1

// Lease takes or renews the engine's lease. The column expires was a wall time
// once; it holds the clock of the last holder, and 0 where an older program gave
// the lease up.
func (s *Store) Lease(ctx context.Context, holder string, clock time.Time, dead bos.Lease) (bos.Lease, error) {
	var lease bos.Lease
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		lease = bos.Lease{}
		var kept int64
		err := t.row(ctx, "SELECT holder, expires, fence FROM lease").Scan(&lease.Holder, &kept, &lease.Fence)
		if err != nil && !notThere(err) {
			return err
		}
		if kept == 0 {
			lease.Holder = ""
		}
		if kept > noClock {
			lease.Clock = time.Unix(0, kept).UTC()
		}
		switch {
		case lease.Holder == holder:
		case lease.Holder == "" || lease == dead:
			lease.Holder = holder
			lease.Fence++
		default:
			return bos.ErrLeaseHeld
		}
		if clock.After(lease.Clock) {
			lease.Clock = clock.UTC().Round(0)
			kept = clock.UnixNano()
		}
		_, err = t.exec(ctx, "INSERT OR REPLACE INTO lease (one, holder, expires, fence) VALUES (1, ?, ?, ?)",
			lease.Holder, max(kept, noClock), lease.Fence)
		return err
	})
	return lease, err
}

// Release gives the lease up if holder has it.
func (s *Store) Release(ctx context.Context, holder string) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "UPDATE lease SET holder = '' WHERE holder = ?", holder)
		return err
	})
}
