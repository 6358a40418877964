package tables

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

// ahead is what a transaction will ask for, read with its beginning: over a socket a
// question costs more than its answer, and jobs that wait together would ask one by one.
// It is of after the turn was taken, so nobody changes it but the transaction itself.
type ahead struct {
	// learns takes a row of the answer to each question in.
	learns []func(scanner) error
	// revision is the newest one, 0 if it is not known.
	revision int64
	// records are those that jobs will load, as far as the transaction has neither
	// written nor given them out.
	records map[string]*bos.Record
	// tokens are what those stand for that jobs will ask for, nil if nothing, as far as the
	// transaction has not written them.
	tokens map[string]*bos.BootArtifacts
}

const readComponents = componentColumns + "FOUND(components, id, ?) AS c"

// questions are what jobs will ask for.
func (t *tx) questions(ctx context.Context, jobs []*job) []Statement {
	t.ahead = ahead{}
	var list []Statement
	ask := func(learn func(scanner) error, query string, args ...any) {
		t.ahead.learns = append(t.ahead.learns, learn)
		list = append(list, Statement{t.dialect.SQL(query), args})
	}
	ask(func(row scanner) error { return row.Scan(&t.ahead.revision) }, selectNewest)
	ask(func(row scanner) error { return row.Scan(&t.eventsBefore) }, t.dialect.LastEvent)
	var ids, tokens []string
	asked := make(map[string]*bos.BootArtifacts)
	for _, j := range jobs {
		ids = append(ids, j.loads...)
		for _, token := range j.tokens {
			_, again := asked[token]
			if _, known := t.sets.tokens[token]; !again && (!known || t.others) && listable(token) {
				asked[token] = nil
				tokens = append(tokens, token)
			}
		}
	}
	// What cannot be asked for here meets the same error where it is.
	if encoded, err := json.Marshal(ids); err == nil && len(ids) > 0 {
		ask(func(row scanner) error { return t.learnRecord(ctx, row) }, readComponents, string(encoded))
	}
	if encoded, err := json.Marshal(tokens); err == nil && len(tokens) > 0 {
		ask(t.learnToken, selectMeanings, string(encoded))
		t.ahead.tokens = asked
	}
	return list
}

// learn takes the answers in; there are none where a question costs nothing.
func (t *tx) learn(answers []Rows) error {
	if len(answers) == 0 {
		t.ahead.tokens = nil
		return nil
	}
	for i, rows := range answers {
		if err := eachRow(rows, t.ahead.learns[i]); err != nil {
			return fmt.Errorf("read what the transaction will ask for: %w", err)
		}
	}
	return nil
}

func (t *tx) learnRecord(ctx context.Context, row scanner) error {
	r := &bos.Record{}
	if err := scanRecord(row, t.aheadDecoder(ctx), r); err != nil {
		return nil //nolint:nilerr // who asks for it meets the same error
	}
	if t.ahead.records == nil {
		t.ahead.records = make(map[string]*bos.Record)
	}
	t.ahead.records[r.ID] = r
	return nil
}

func (t *tx) learnToken(row scanner) error {
	token, a, err := t.sets.scanToken(row)
	t.ahead.tokens[token] = &a
	return err
}

func (t *tx) aheadDecoder(ctx context.Context) *document.Decoder {
	return &document.Decoder{Artifacts: interningIn(ctx, t).resolve}
}

// take gives a record out that was read ahead, once.
func (a *ahead) take(id string) (*bos.Record, bool) {
	r, ok := a.records[id]
	delete(a.records, id)
	return r, ok
}
