package tables

import (
	"context"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What the tests of a store see of it beside its ports. They are of a package of their
// own, as they need a database.
const (
	KeepTokens    = keepTokens
	TidyTokens    = tidyTokens
	TidyArtifacts = tidyArtifacts
	TidyChanges   = tidyChanges
)

// Execute carries a statement out in a transaction of its own.
func (s *Store) Execute(ctx context.Context, statement string, args ...any) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error { return t.exec(ctx, statement, args...) })
}

// Occupied lets the writer wait in the middle of a transaction until leave is closed.
func (s *Store) Occupied(ctx context.Context, entered chan<- struct{}, leave <-chan struct{}) error {
	return s.writer.do(ctx, func(context.Context, *tx) error { close(entered); <-leave; return nil })
}

// Waiting is how many writes wait for the writer.
func (s *Store) Waiting() int { return len(s.writer.queue) }

// Texts lists the texts that a query finds.
func (s *Store) Texts(ctx context.Context, query string, args ...any) (list []string, err error) {
	err = s.each(ctx, func(row scanner) error {
		var text string
		err := row.Scan(&text)
		list = append(list, text)
		return err
	}, query, args...)
	return list, err
}

// Plan is how SQLite carries a query out.
func (s *Store) Plan(ctx context.Context, query string, args ...any) (plan string, err error) {
	err = s.each(ctx, func(row scanner) error {
		var id, parent, unused int
		var step string
		err := row.Scan(&id, &parent, &unused, &step)
		plan += step + "\n"
		return err
	}, "EXPLAIN QUERY PLAN "+query, args...)
	return plan, err
}

// Query is the query of a filter.
func Query(f bos.ComponentFilter) (string, []any, error) {
	which, args, err := conditions(f)
	return componentColumns + which + " ORDER BY id LIMIT 10", args, err
}

// Tidying is a go at removing what is not used, which has read what records refer to.
type Tidying struct{ *tidying }

// Surveyed begins one.
func (s *Store) Surveyed(ctx context.Context) (t Tidying, due bool, err error) {
	t = Tidying{&tidying{store: s, fence: bos.NoFence, used: uses{tokens: make(map[string]bool), artifacts: make(map[int64]bool)}}}
	if due, err = t.due(ctx); due && err == nil {
		err = t.survey(ctx)
	}
	return t, due, err
}

// RemoveArtifacts removes the boot artifacts that nothing refers to.
func (t Tidying) RemoveArtifacts(ctx context.Context) (overtaken bool, err error) {
	err = t.remove(ctx, looseArtifacts, removeArtifacts, t.newest.artifacts-1)
	return t.overtaken, err
}

// SetupRead is what a setup has read before its turn.
type SetupRead struct{ *setupRead }

// ReadSetup reads it.
func (s *Store) ReadSetup(ctx context.Context, setup bos.Setup) (SetupRead, error) {
	r, err := s.readSetup(ctx, setup)
	return SetupRead{r}, err
}

// SetUpRead carries the setup out that it was read for.
func (s *Store) SetUpRead(ctx context.Context, setup bos.Setup, r SetupRead) (bos.SessionRecord, []bos.Record, error) {
	return s.setUp(ctx, setup, r.setupRead)
}
