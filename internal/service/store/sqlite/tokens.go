package sqlite

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
	err := s.read.QueryRowContext(context.WithoutCancel(ctx), `SELECT kernel, kernel_parameters, initrd FROM tokens JOIN artifacts ON artifacts.id = tokens.artifacts
WHERE token = ?`, token).Scan(&a.Kernel, &a.KernelParameters, &a.Initrd)
	if notThere(err) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("read a BSS token: %w", err)
	}
	s.tokens.put(token, a, writes)
	return a, true, nil
}

// putToken records what a token stands for, the newest meaning if it had one.
func putToken(ctx context.Context, t *tx, token string, artifacts int64) error {
	res, err := t.exec(ctx, "INSERT OR REPLACE INTO tokens (token, artifacts) VALUES (?, ?)", token, artifacts)
	if err != nil {
		return fmt.Errorf("write a BSS token: %w", err)
	}
	number, err := res.LastInsertId()
	if err != nil || number <= keepTokens || number%pruneTokens != 0 {
		return err
	}
	if _, err := t.exec(ctx, deleteTokens, number-keepTokens); err != nil {
		return fmt.Errorf("give up old BSS tokens: %w", err)
	}
	return nil
}

const (
	// keepTokens is how many tokens are kept at least: one stands for a
	// write, which is mostly that of a whole session.
	keepTokens = 20_000
	// pruneTokens is how often old tokens are looked for, in writes.
	pruneTokens = 1000
	// deleteTokens spares those that some node was given last, or reported
	// last.
	deleteTokens = `DELETE FROM tokens WHERE id <= ? AND token NOT IN (
SELECT COALESCE(document ->> '$.desired_state.bss_token', '') FROM components
UNION SELECT COALESCE(document ->> '$.actual_state.bss_token', '') FROM components
UNION SELECT token FROM host_boots)`
)
