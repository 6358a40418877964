package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxReceipts bounds the previews kept.
const maxReceipts = 10_000

// one decodes a stored document; no row is bos.ErrNotFound.
func one[T any](row *sql.Row) (T, error) {
	var v T
	var document []byte
	err := row.Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
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
	rows, err := s.read.QueryContext(ctx, query+" ORDER BY tenant, name", args...)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []bos.SessionTemplate
	for rows.Next() {
		var document []byte
		var t bos.SessionTemplate
		if err := errors.Join(rows.Scan(&document), json.Unmarshal(document, &t)); err != nil {
			return nil, fmt.Errorf("stored template: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// Template reads one template.
func (s *Store) Template(ctx context.Context, tenant, name string) (bos.SessionTemplate, error) {
	return one[bos.SessionTemplate](s.read.QueryRowContext(ctx, "SELECT document FROM templates WHERE tenant = ? AND name = ?", tenant, name))
}

// PutTemplate creates or replaces a template.
func (s *Store) PutTemplate(ctx context.Context, t bos.SessionTemplate) error {
	document, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO templates (tenant, name, document) VALUES (?1, ?2, ?3)
ON CONFLICT (tenant, name) DO UPDATE SET document = ?3`, bos.TenantOf(t.Tenant), t.Name, string(document))
		return err
	})
}

// DeleteTemplate removes a template.
func (s *Store) DeleteTemplate(ctx context.Context, tenant, name string) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return mustAffect(tx.ExecContext(ctx, "DELETE FROM templates WHERE tenant = ? AND name = ?", tenant, name))
	})
}

// Token returns what a BSS token stands for.
func (s *Store) Token(ctx context.Context, token string) (bos.BootArtifacts, bool, error) {
	var a bos.BootArtifacts
	err := s.read.QueryRowContext(ctx, `SELECT kernel, kernel_parameters, initrd FROM tokens JOIN artifacts ON artifacts.id = tokens.artifacts
WHERE token = ?`, token).Scan(&a.Kernel, &a.KernelParameters, &a.Initrd)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, err
}

func putToken(ctx context.Context, tx *sql.Tx, token string, a bos.BootArtifacts) error {
	if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO artifacts (kernel, kernel_parameters, initrd) VALUES (?, ?, ?)",
		a.Kernel, a.KernelParameters, a.Initrd); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO tokens (token, artifacts)
SELECT ?, id FROM artifacts WHERE kernel = ? AND kernel_parameters = ? AND initrd = ?`, token, a.Kernel, a.KernelParameters, a.Initrd)
	return err
}

// Options reads the options; what was never set has its default.
func (s *Store) Options(ctx context.Context) (bos.Options, error) {
	return scanOptions(s.read.QueryRowContext(ctx, "SELECT document FROM options"))
}

func scanOptions(row *sql.Row) (bos.Options, error) {
	o := bos.DefaultOptions()
	var document []byte
	err := row.Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		return o, nil
	}
	if err == nil {
		err = json.Unmarshal(document, &o)
	}
	return o, err
}

// MutateOptions changes the options.
func (s *Store) MutateOptions(ctx context.Context, fn func(*bos.Options) error) (bos.Options, error) {
	var out bos.Options
	err := s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		o, err := scanOptions(tx.QueryRowContext(ctx, "SELECT document FROM options"))
		if err != nil {
			return err
		}
		if err := fn(&o); err != nil {
			return err
		}
		out = o
		document, err := json.Marshal(o)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO options (one, document) VALUES (1, ?)", string(document))
		return err
	})
	return out, err
}

// PutReceipt keeps a preview until it expires.
func (s *Store) PutReceipt(ctx context.Context, r bos.Receipt) error {
	document, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM receipts WHERE expires < ? OR id <= (SELECT MAX(id) FROM receipts) - ?",
			r.Preview.Created.UnixNano(), maxReceipts); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO receipts (key, pin, expires, document) VALUES (?, ?, ?, ?)",
			r.Key, r.Preview.Pin, r.Preview.Expires.UnixNano(), string(document))
		return err
	})
}

// Receipt returns the newest preview for the key that has not expired.
func (s *Store) Receipt(ctx context.Context, key string, now time.Time) (bos.Receipt, error) {
	return one[bos.Receipt](s.read.QueryRowContext(ctx,
		"SELECT document FROM receipts WHERE key = ? AND expires > ? ORDER BY id DESC LIMIT 1", key, now.UnixNano()))
}

// ReceiptByPin returns the newest preview with the pin.
func (s *Store) ReceiptByPin(ctx context.Context, pin string) (bos.Receipt, error) {
	return one[bos.Receipt](s.read.QueryRowContext(ctx, "SELECT document FROM receipts WHERE pin = ? ORDER BY id DESC LIMIT 1", pin))
}

// Events lists history after an id, oldest first.
func (s *Store) Events(ctx context.Context, after int64, session, component string, limit int) ([]bos.Event, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, time, component, session, kind, detail FROM events
WHERE id > ?1 AND (?2 = '' OR session = ?2) AND (?3 = '' OR component = ?3) ORDER BY id LIMIT ?4`, after, session, component, limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []bos.Event
	for rows.Next() {
		var e bos.Event
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Component, &e.Session, &e.Kind, &e.Detail); err != nil {
			return nil, err
		}
		e.Time = time.Unix(0, at).UTC()
		list = append(list, e)
	}
	return list, rows.Err()
}

// Lease takes or renews the engine's lease.
func (s *Store) Lease(ctx context.Context, holder string, now time.Time, ttl time.Duration) (int64, error) {
	var fence int64
	err := s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var held string
		var expires int64
		err := tx.QueryRowContext(ctx, "SELECT holder, expires, fence FROM lease").Scan(&held, &expires, &fence)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		alive := err == nil && expires > now.UnixNano()
		switch {
		case alive && held != holder:
			return bos.ErrLeaseHeld
		case !alive:
			fence++
		}
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO lease (one, holder, expires, fence) VALUES (1, ?, ?, ?)",
			holder, now.Add(ttl).UnixNano(), fence)
		return err
	})
	return fence, err
}

// Release gives the lease up if holder has it.
func (s *Store) Release(ctx context.Context, holder string) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE lease SET expires = 0 WHERE holder = ?", holder)
		return err
	})
}
