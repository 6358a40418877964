package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	selectMeaning  = "SELECT kernel, kernel_parameters, initrd FROM tokens JOIN artifacts ON artifacts.id = tokens.artifacts WHERE token = ?"
	selectMeanings = "SELECT t.token, a.id, a.kernel, a.kernel_parameters, a.initrd FROM FOUND(tokens, token, ?) AS t JOIN artifacts AS a ON a.id = t.artifacts"
)

// Token returns what a BSS token stands for.
func (s *Store) Token(ctx context.Context, token string) (bos.BootArtifacts, bool, error) {
	return meaning(s.row(ctx, selectMeaning, token))
}

// meaning is a row of selectMeaning.
func meaning(row scanner) (a bos.BootArtifacts, known bool, err error) {
	err = row.Scan(&a.Kernel, &a.KernelParameters, &a.Initrd)
	if notThere(err) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("read a BSS token: %w", err)
	}
	return a, true, nil
}

// listable reports whether a token is the same in a list in JSON, and in the answer of each
// database. One that is not, of bytes that are no text or with what PostgreSQL has no text
// for, is asked for by itself and not kept in mind: what is stored of it is another token's
// as well. Those that BSS makes are all listable.
func listable(token string) bool {
	return utf8.ValidString(token) && !strings.ContainsAny(token, "\x00\\\U0010FFFE\U0010FFFF")
}

// booted is what those of the tokens stand for that are known.
func (t *tx) booted(ctx context.Context, tokens []string) (map[string]bos.BootArtifacts, error) {
	known, asked := make(map[string]bos.BootArtifacts, len(tokens)), []string(nil)
	for _, token := range tokens {
		if !listable(token) {
			a, ok, err := meaning(t.row(ctx, selectMeaning, token))
			if err != nil {
				return nil, err
			}
			if ok {
				known[token] = a
			}
		} else if a, answered := t.ahead.tokens[token]; answered {
			if a != nil {
				known[token] = *a
			}
		} else if a, ok := t.sets.tokens[token]; ok {
			known[token] = a
		} else {
			asked = append(asked, token)
		}
	}
	for page := range slices.Chunk(asked, loadPage) {
		encoded, err := json.Marshal(page)
		if err != nil {
			return nil, err
		}
		rows, err := t.query(ctx, selectMeanings, string(encoded))
		if err == nil {
			err = eachRow(rows, func(row scanner) error {
				token, a, err := t.sets.scanToken(row)
				known[token] = a
				return err
			})
		}
		if err != nil {
			return nil, fmt.Errorf("read %d BSS tokens: %w", len(page), err)
		}
	}
	return known, nil
}

// scanToken takes a row of selectMeanings in.
func (s *sets) scanToken(row scanner) (token string, a bos.BootArtifacts, err error) {
	var id int64
	if err := row.Scan(&token, &id, &a.Kernel, &a.KernelParameters, &a.Initrd); err != nil {
		return "", a, err
	}
	if same, ok := s.byID[id]; ok {
		a = same // thousands of tokens have their texts in memory once
	}
	s.put(id, a)
	s.putToken(token, a)
	return token, a, nil
}

func (s *sets) putToken(token string, a bos.BootArtifacts) {
	if s.tokens == nil || len(s.tokens) >= maxInterned {
		s.tokens = make(map[string]bos.BootArtifacts)
	}
	s.tokens[token] = a
}

// putToken records what a token stands for, the newest meaning if it had one.
func putToken(ctx context.Context, t *tx, token string, artifacts int64) error {
	delete(t.sets.tokens, token)
	delete(t.ahead.tokens, token)
	if !listable(token) { // it may be stored as another one is
		t.sets.tokens, t.ahead.tokens = nil, nil
	}
	err := t.exec(ctx, "DELETE FROM tokens WHERE token = ?", token) // which gets a new place among them
	if err == nil {
		err = t.exec(ctx, "INSERT INTO tokens (token, artifacts) VALUES (?, ?)", token, artifacts)
	}
	if err != nil {
		return fmt.Errorf("write a BSS token: %w", err)
	}
	return nil
}
