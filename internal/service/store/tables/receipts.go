package tables

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxReceipts bounds the previews kept.
const maxReceipts = 10_000

// PutReceipt keeps a preview until it expires.
func (s *Store) PutReceipt(ctx context.Context, r bos.Receipt) error {
	document, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := t.exec(ctx, "DELETE FROM receipts WHERE expires < ? OR id <= (SELECT MAX(id) FROM receipts) - ?",
			r.Preview.Created.UnixNano(), maxReceipts); err != nil {
			return err
		}
		return t.exec(ctx, "INSERT INTO receipts (key, pin, expires, document, number) VALUES (?, ?, ?, ?, ?)",
			r.Key, r.Preview.Pin, r.Preview.Expires.UnixNano(), string(document), r.Preview.Receipt)
	})
}

// numbered is the preview of a number, of the tenant whose it is.
const numbered = " WHERE number = ?1 AND number <> '' AND COALESCE(FIELD(document, Tenant), '') = ?2"

// receiptColumns is a preview with the session that carried it out.
const receiptColumns = "SELECT document, session FROM receipts"

func scanReceipt(row scanner) (bos.Receipt, error) {
	var r bos.Receipt
	var document []byte
	var session string
	err := row.Scan(&document, &session)
	if notThere(err) {
		return r, bos.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(document, &r)
	}
	if session != "" {
		r.Preview.Session = session
	}
	return r, err
}

// Receipt returns the newest preview for the key that has not expired.
func (s *Store) Receipt(ctx context.Context, key string, now time.Time) (bos.Receipt, error) {
	return scanReceipt(s.row(ctx,
		receiptColumns+" WHERE key = ? AND expires > ? ORDER BY id DESC LIMIT 1", key, now.UnixNano()))
}

// ReceiptByPin returns the newest preview with the pin within a scope.
func (s *Store) ReceiptByPin(ctx context.Context, of bos.TenantScope, pin string) (bos.Receipt, error) {
	whose, args := within(of, "COALESCE(FIELD(document, Tenant), '')")
	return scanReceipt(s.row(ctx, receiptColumns+" WHERE pin = ? AND "+whose+" ORDER BY id DESC LIMIT 1", append([]any{pin}, args...)...))
}

// Replaced are the sessions that the newest preview of a tenant with the pin and the run
// key that was to stand in for any was asked with.
func (s *Store) Replaced(ctx context.Context, tenant, pin, runKey string, now time.Time) ([]string, error) {
	if pin == "" || runKey == "" {
		return nil, nil
	}
	receipt, err := scanReceipt(s.row(ctx, receiptColumns+` WHERE pin = ? AND expires > ? AND COALESCE(FIELD(document, Tenant), '') = ?
		AND FIELD(document, RunKey) = ? AND FIELD(document, Preview.replaces) IS NOT NULL ORDER BY id DESC LIMIT 1`, pin, now.UnixNano(), tenant, runKey))
	if errors.Is(err, bos.ErrNotFound) {
		return nil, nil
	}
	return receipt.Preview.Replaces, err
}

// ReceiptByNumber returns the preview of a number that has not expired.
func (s *Store) ReceiptByNumber(ctx context.Context, tenant, number string, now time.Time) (bos.Receipt, error) {
	return scanReceipt(s.row(ctx,
		receiptColumns+numbered+" AND expires > ?3", number, tenant, now.UnixNano()))
}
