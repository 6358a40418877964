package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

const (
	// keepTokens is how many tokens are kept at least: one stands for a
	// write, which is mostly that of a whole session.
	keepTokens = 20_000
	// tidyTokens and tidyArtifacts are from how many new ones on it is looked for old
	// ones again.
	tidyTokens    = 1000
	tidyArtifacts = 100
	// tidyPage is how many records are read at once, tidyBatch how many rows one
	// transaction removes, and tidyChanges how many records it reads again.
	tidyPage    = 1000
	tidyBatch   = 500
	tidyChanges = 2000
)

// Tidy removes tokens and boot artifacts that nothing refers to. What records refer to
// is read beside the writers, and each transaction that removes something reads again
// what was written since.
func (s *Store) Tidy(ctx context.Context, fence int64) error {
	t := tidying{store: s, fence: fence, used: uses{tokens: make(map[string]bool), artifacts: make(map[int64]bool)}}
	due, err := t.due(ctx)
	if err != nil || !due {
		return err
	}
	if err := t.survey(ctx); err != nil {
		return fmt.Errorf("look for what no record refers to: %w", err)
	}
	if err := t.remove(ctx, oldTokens, removeTokens, t.newest.token-keepTokens); err != nil {
		return fmt.Errorf("remove tokens that nothing refers to: %w", err)
	}
	if err := t.remove(ctx, looseArtifacts, removeArtifacts, t.newest.artifacts-1); err != nil {
		return fmt.Errorf("remove boot artifacts that nothing refers to: %w", err)
	}
	if !t.overtaken {
		s.tidied.Store(&t.newest)
	}
	return nil
}

// numbers are the newest token and the newest set of boot artifacts.
type numbers struct{ token, artifacts int64 }

// uses is what records refer to.
type uses struct {
	tokens    map[string]bool
	artifacts map[int64]bool
}

// tidying is one go at removing what is not used.
type tidying struct {
	store *Store
	fence int64
	// newest is what there was when it began.
	newest numbers
	// used is what records refer to as of a revision.
	used     uses
	revision int64
	// overtaken says that too much was written meanwhile to go on.
	overtaken bool
}

const (
	newestNumbers = "SELECT (SELECT COALESCE(MAX(id), 0) FROM tokens), (SELECT COALESCE(MAX(id), 0) FROM artifacts)"
	tidyDocuments = "SELECT id, document FROM components WHERE id > ? ORDER BY id LIMIT ?"
	// The candidates follow an id and go up to another. Those of tokens are without
	// what hosts boot: whoever gives one to a host writes it anew.
	oldTokens    = "SELECT id, token FROM tokens WHERE id > ? AND id <= ? AND token NOT IN (SELECT token FROM host_boots) ORDER BY id LIMIT ?" //nolint:gosec // boot tokens are no credentials
	removeTokens = "DELETE FROM tokens WHERE id IN (SELECT CAST(value AS BIGINT) FROM LIST(?) AS l)"
	// The newest artifacts are no candidate, so that their number is not used again.
	looseArtifacts  = "SELECT id, '' FROM artifacts a WHERE id > ? AND id <= ?" + unused + " ORDER BY id LIMIT ?"
	removeArtifacts = "DELETE FROM artifacts AS a WHERE id IN (SELECT CAST(value AS BIGINT) FROM LIST(?) AS l)" + unused
	unused          = " AND NOT EXISTS (SELECT 1 FROM tokens WHERE artifacts = a.id) AND NOT EXISTS (SELECT 1 FROM host_boots WHERE artifacts = a.id)"
)

// due reports whether enough was written since the last time.
func (t *tidying) due(ctx context.Context) (bool, error) {
	if err := t.store.row(ctx, newestNumbers).Scan(&t.newest.token, &t.newest.artifacts); err != nil {
		return false, fmt.Errorf("look for the newest token: %w", err)
	}
	var last numbers
	if before := t.store.tidied.Load(); before != nil {
		last = *before
	}
	return t.newest.token > keepTokens && t.newest.token-last.token >= tidyTokens || t.newest.artifacts-last.artifacts >= tidyArtifacts, nil
}

// survey reads what all records refer to, page by page. What is written meanwhile is
// read again when something is removed.
func (t *tidying) survey(ctx context.Context) error {
	if err := t.store.row(ctx, selectNewest).Scan(&t.revision); err != nil {
		return err
	}
	d := t.used.decoder()
	for last, n := "", tidyPage; n == tidyPage; {
		n = 0
		err := t.store.each(ctx, func(row scanner) error {
			var document string
			if err := row.Scan(&last, &document); err != nil {
				return err
			}
			n++
			return t.used.add(d, last, document)
		}, tidyDocuments, last, tidyPage)
		if err != nil {
			return err
		}
	}
	return nil
}

// decoder notes the boot artifacts that documents refer to.
func (u *uses) decoder() *document.Decoder {
	return &document.Decoder{Artifacts: func(id int64) (bos.BootArtifacts, error) {
		u.artifacts[id] = true
		return bos.BootArtifacts{}, nil
	}}
}

// add notes what a document refers to. What cannot be read may refer to anything.
func (u *uses) add(d *document.Decoder, id, document string) error {
	var c bos.Component
	if err := d.Component(document, &c); err != nil {
		return fmt.Errorf("component %s: %w", id, err)
	}
	u.tokens[c.ActualState.BSSToken], u.tokens[c.DesiredState.BSSToken] = true, true
	return nil
}

// candidate is a row that may be removed: a token, or boot artifacts.
type candidate struct {
	id    int64
	token string
}

func (u *uses) have(c candidate) bool {
	if c.token != "" {
		return u.tokens[c.token]
	}
	return u.artifacts[c.id]
}

// remove removes the candidates up to a number that no record refers to, some at a
// time: writers wait for no more than that.
func (t *tidying) remove(ctx context.Context, candidates, query string, last int64) error {
	for after := int64(0); !t.overtaken; {
		var batch []candidate
		err := t.store.each(ctx, func(row scanner) error {
			var c candidate
			err := row.Scan(&c.id, &c.token)
			batch = append(batch, c)
			return err
		}, candidates, after, last, tidyBatch)
		if err != nil || len(batch) == 0 {
			return err
		}
		after = batch[len(batch)-1].id
		batch = slices.DeleteFunc(batch, t.used.have)
		if len(batch) == 0 {
			continue
		}
		err = t.store.writer.do(ctx, func(ctx context.Context, tx *tx) error { return t.removeBatch(ctx, tx, query, batch) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tidying) removeBatch(ctx context.Context, tx *tx, query string, batch []candidate) error {
	if err := checkFence(ctx, tx, t.fence); err != nil {
		return err
	}
	if err := t.catchUp(ctx, tx); err != nil || t.overtaken {
		return err
	}
	var ids []int64
	for _, c := range batch {
		if !t.used.have(c) {
			ids = append(ids, c.id)
		}
	}
	encoded, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	tx.sets.forget()
	tx.ahead.tokens = nil
	return tx.exec(ctx, query, string(encoded))
}

// catchUp reads what the records refer to that were written since.
func (t *tidying) catchUp(ctx context.Context, tx *tx) error {
	changed, err := t.changed(ctx, tx)
	if err != nil || t.overtaken {
		return err
	}
	encoded, err := json.Marshal(changed)
	if err != nil {
		return err
	}
	rows, err := tx.query(ctx, "SELECT id, document FROM FOUND(components, id, ?) AS c", string(encoded))
	if err != nil {
		return err
	}
	d := t.used.decoder()
	return eachRow(rows, func(row scanner) error {
		var id, document string
		if err := row.Scan(&id, &document); err != nil {
			return err
		}
		return t.used.add(d, id, document)
	})
}

// changed lists the components that were written since, also by this transaction
// (selectChanges begins with the row that is known).
func (t *tidying) changed(ctx context.Context, tx *tx) ([]string, error) {
	rows, err := tx.query(ctx, selectChanges, t.revision)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	read := 0
	err = eachRow(rows, func(row scanner) error {
		var what string
		var writes []change
		if err := row.Scan(&t.revision, &what); err != nil {
			return err
		}
		if read++; read == 1 || len(ids) > tidyChanges {
			return nil
		}
		if err := json.Unmarshal([]byte(what), &writes); err != nil {
			return err
		}
		for _, w := range writes {
			ids = append(ids, w.Components...)
		}
		return nil
	})
	for _, w := range tx.feed.writes {
		ids = append(ids, w.Components...)
	}
	t.overtaken = read == 0 || len(ids) > tidyChanges
	return ids, err
}
