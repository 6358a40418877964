package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// rower reads one row, in a transaction or outside of one.
type rower func(ctx context.Context, query string, args ...any) scanner

// RepeatedSession is the session that was asked for before as this one is; nil
// if none was.
func (s *Store) RepeatedSession(ctx context.Context, r bos.SessionRecord) (*bos.Repeated, error) {
	return repeatedIn(ctx, s.row, r)
}

func repeated(ctx context.Context, t *tx, r bos.SessionRecord) (*bos.Repeated, error) {
	return repeatedIn(ctx, t.row, r)
}

func repeatedIn(ctx context.Context, row rower, r bos.SessionRecord) (*bos.Repeated, error) {
	tenant := bos.TenantOf(r.Tenant)
	found := func(query string, args ...any) (*bos.Repeated, error) {
		before, err := scanSession(row(ctx, sessionColumns+query, args...))
		switch {
		case errors.Is(err, bos.ErrNotFound):
			return nil, nil //nolint:nilnil // that there is none is an answer
		case err != nil:
			return nil, err
		}
		return &bos.Repeated{Name: before.Name, Record: &before}, nil
	}
	if receipt := r.Asked.Receipt; receipt != "" {
		if again, err := found(" WHERE receipt = ? AND receipt <> '' AND tenant = ?", receipt, tenant); again != nil || err != nil {
			return again, err
		}
		var name string
		switch err := row(ctx, "SELECT session FROM receipts"+numbered, receipt, tenant).Scan(&name); {
		case notThere(err):
		case err != nil:
			return nil, fmt.Errorf("read who carried a preview out: %w", err)
		case name != "":
			return &bos.Repeated{Name: name}, nil
		}
	}
	if r.Pin == "" || r.Asked.RunKey == "" {
		return nil, nil //nolint:nilnil // as above
	}
	replaced, err := json.Marshal(append([]string{}, r.Asked.Replaces...)) // they are asked to make room
	if err != nil {
		return nil, err
	}
	return found(" WHERE pin = ? AND pin <> '' AND status <> 'complete' AND tenant = ? AND FIELD(document, asked.run_key) = ? AND name NOT IN (SELECT value FROM LIST(?) AS l) ORDER BY started DESC LIMIT 1",
		r.Pin, tenant, r.Asked.RunKey, string(replaced))
}

// LastRun is the newest session that is over and has the tenant, the pin and the run
// key of this one.
func (s *Store) LastRun(ctx context.Context, r bos.SessionRecord) (bos.SessionRecord, error) {
	return scanSession(s.row(ctx, sessionColumns+" WHERE pin = ? AND pin <> '' AND status = 'complete' AND tenant = ? AND FIELD(document, asked.run_key) = ? AND FIELD(document, asked.run_key) <> '' ORDER BY started DESC, name DESC LIMIT 1",
		r.Pin, bos.TenantOf(r.Tenant), r.Asked.RunKey))
}
