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
	// revision is the newest one, 0 if it is not known.
	revision int64
	// records are those that jobs will load, as far as the transaction has neither
	// written nor given them out.
	records map[string]*bos.Record
}

const readComponents = componentColumns + "FOUND(components, id, ?) AS c"

// questions are what jobs will ask for.
func (t *tx) questions(jobs []*job) []Statement {
	t.ahead = ahead{}
	list := []Statement{{Query: t.dialect.SQL(selectNewest)}, {Query: t.dialect.SQL(t.dialect.LastEvent)}}
	var ids []string
	for _, j := range jobs {
		ids = append(ids, j.loads...)
	}
	if len(ids) == 0 {
		return list
	}
	encoded, err := json.Marshal(ids)
	if err != nil {
		return list // who asks for it meets the same error
	}
	return append(list, Statement{t.dialect.SQL(readComponents), []any{string(encoded)}})
}

// learn takes the answers in; there are none where a question costs nothing.
func (t *tx) learn(ctx context.Context, answers []Rows) error {
	for i, rows := range answers {
		err := eachRow(rows, func(row scanner) error {
			switch i {
			case 0:
				return row.Scan(&t.ahead.revision)
			case 1:
				return row.Scan(&t.eventsBefore)
			}
			r := &bos.Record{}
			if err := scanRecord(row, t.aheadDecoder(ctx), r); err != nil {
				return nil //nolint:nilerr // who asks for it meets the same error
			}
			if t.ahead.records == nil {
				t.ahead.records = make(map[string]*bos.Record)
			}
			t.ahead.records[r.ID] = r
			return nil
		})
		if err != nil {
			return fmt.Errorf("read what the transaction will ask for: %w", err)
		}
	}
	return nil
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
