package tables

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	nodeKey      = "node_key"
	selectSecret = "SELECT value FROM secrets WHERE name = ?" //nolint:gosec // the name of one
)

// NodeKey is the key that node tokens are made with: random, made when it is asked for
// first, and the same as long as the database lives.
func (s *Store) NodeKey(ctx context.Context) ([]byte, error) {
	var key []byte
	err := s.row(ctx, selectSecret, nodeKey).Scan(&key)
	switch {
	case notThere(err):
		key, err = s.makeNodeKey(ctx)
	case err != nil:
		err = fmt.Errorf("read the key of node tokens: %w", err)
	}
	if err == nil && len(key) < bos.NodeKeySize {
		return nil, fmt.Errorf("the key of node tokens has %d bytes in place of %d; restore the database", len(key), bos.NodeKeySize)
	}
	return key, err
}

func (s *Store) makeNodeKey(ctx context.Context) ([]byte, error) {
	fresh := make([]byte, bos.NodeKeySize)
	_, _ = rand.Read(fresh) // it never fails
	var key []byte
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := t.exec(ctx, "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", nodeKey, fresh); err != nil {
			return fmt.Errorf("write the key of node tokens: %w", err)
		}
		if err := t.row(ctx, selectSecret, nodeKey).Scan(&key); err != nil {
			return fmt.Errorf("read the key of node tokens: %w", err)
		}
		return nil
	})
	return key, err
}
