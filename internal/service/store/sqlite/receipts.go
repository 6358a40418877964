package sqlite

import (
	"context"
	"encoding/json"
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
