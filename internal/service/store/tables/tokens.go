package tables

import (
	"context"
	"fmt"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxTokens bounds the tokens kept in memory: each node of a booting room
// reports one, and thousands share one.
const maxTokens = 4096

// tokenCache keeps what tokens stand for that were asked for.
type tokenCache struct {
	mu    sync.RWMutex
	known map[string]bos.BootArtifacts
	// writes counts how often all was forgotten; what was read before a
	// write is not kept after it.
	writes int
}

func (c *tokenCache) get(token string) (bos.BootArtifacts, bool, int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	a, ok := c.known[token]
	return a, ok, c.writes
}

func (c *tokenCache) put(token string, a bos.BootArtifacts, writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes != writes {
		return
	}
	if c.known == nil || len(c.known) >= maxTokens {
		c.known = make(map[string]bos.BootArtifacts)
	}
	c.known[token] = a
}

func (c *tokenCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = nil
	c.writes++
}

// Token returns what a BSS token stands for.
func (s *Store) Token(ctx context.Context, token string) (bos.BootArtifacts, bool, error) {
	a, ok, writes := s.tokens.get(token)
	if ok {
		return a, true, nil
	}
	err := s.row(ctx, `SELECT kernel, kernel_parameters, initrd FROM tokens JOIN artifacts ON artifacts.id = tokens.artifacts
WHERE token = ?`, token).Scan(&a.Kernel, &a.KernelParameters, &a.Initrd)
	if notThere(err) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("read a BSS token: %w", err)
	}
	if !s.shared {
		s.tokens.put(token, a, writes)
	}
	return a, true, nil
}

// putToken records what a token stands for, the newest meaning if it had one.
func putToken(ctx context.Context, t *tx, token string, artifacts int64) error {
	err := t.exec(ctx, "DELETE FROM tokens WHERE token = ?", token) // which gets a new place among them
	if err == nil {
		err = t.exec(ctx, "INSERT INTO tokens (token, artifacts) VALUES (?, ?)", token, artifacts)
	}
	if err != nil {
		return fmt.Errorf("write a BSS token: %w", err)
	}
	return nil
}
