package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// sessionDocument is a session record as stored.
type sessionDocument struct {
	Session  bos.Session         `json:"session"`
	Template bos.SessionTemplate `json:"template"`
	Pin      string              `json:"pin,omitempty"`
	Asked    bos.Asked           `json:"asked,omitzero"`
	Created  time.Time           `json:"created"`
	Extended *bos.ExtendedStatus `json:"extended,omitempty"`
	Paused   bos.Brake           `json:"paused,omitzero"`
	Excluded []bos.Exclusion     `json:"excluded,omitempty"`
	Rollout  *bos.RolloutState   `json:"rollout,omitempty"`
	Ahead    []bos.Ahead         `json:"ahead,omitempty"`
	Born     int64               `json:"born,omitempty"`
}

const sessionColumns = "SELECT name, revision, document FROM sessions"

func scanSession(row scanner) (bos.SessionRecord, error) {
	var (
		r        bos.SessionRecord
		name     string
		document []byte
		d        sessionDocument
	)
	if err := row.Scan(&name, &r.Revision, &document); err != nil {
		if notThere(err) {
			err = bos.ErrNotFound
		}
		return r, err
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return r, fmt.Errorf("stored session %s: %w", name, err)
	}
	r.Session, r.Template, r.Pin, r.Asked, r.Created, r.Extended, r.Paused, r.Excluded, r.Rollout, r.Ahead, r.Born = d.Session, d.Template, d.Pin, d.Asked, d.Created, d.Extended, d.Paused, d.Excluded, d.Rollout, d.Ahead, d.Born
	return r, nil
}

// putSession writes a session under the revision that it returns.
func putSession(ctx context.Context, t *tx, r bos.SessionRecord) (int64, error) {
	r.Components = "" // its list is of rows
	document, err := json.Marshal(sessionDocument{r.Session, r.Template, r.Pin, r.Asked, r.Created, r.Extended, r.Paused, r.Excluded, r.Rollout, r.Ahead, r.Born})
	if err != nil {
		return 0, err
	}
	change, err := t.changing(ctx)
	if err != nil {
		return 0, err
	}
	err = t.exec(ctx, `INSERT INTO sessions (tenant, name, revision, status, started, document, pin, receipt)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (tenant, name) DO UPDATE SET revision = ?3, status = ?4, started = ?5, document = ?6`,
		bos.TenantOf(r.Tenant), r.Name, change.Revision, string(r.Status.Status), r.Status.StartTime.Unix(), string(document), r.Pin, r.Asked.Receipt)
	if err != nil {
		return 0, fmt.Errorf("write session %s: %w", r.Name, err)
	}
	change.session(r.Key())
	return change.Revision, nil
}

func readSession(ctx context.Context, t *tx, key bos.SessionKey) (bos.SessionRecord, error) {
	return scanSession(t.row(ctx, sessionColumns+" WHERE tenant = ? AND name = ?", key.Tenant, key.Name))
}

// CreateSession stores a new session; the name is unique per tenant.
func (s *Store) CreateSession(ctx context.Context, r bos.SessionRecord, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if again, err := repeated(ctx, t, r); err != nil {
			return err
		} else if again != nil {
			return again
		}
		_, err := readSession(ctx, t, r.Key())
		if err == nil {
			return bos.ErrExists
		}
		if !errors.Is(err, bos.ErrNotFound) {
			return err
		}
		if r.Asked.Receipt != "" {
			if err := t.exec(ctx, "UPDATE receipts SET session = ?3"+numbered, r.Asked.Receipt, bos.TenantOf(r.Tenant), r.Name); err != nil {
				return fmt.Errorf("note that a preview is carried out: %w", err)
			}
		}
		change, err := t.changing(ctx)
		if err != nil {
			return err
		}
		r.Born = change.Revision
		if r.Revision, err = putSession(ctx, t, r); err != nil {
			return err
		}
		if r.Listed() {
			if err := t.list(ctx, r); err != nil {
				return err
			}
		}
		return t.noteSession(ctx, r.Key(), notes)
	})
}

// Session reads one session.
func (s *Store) Session(ctx context.Context, key bos.SessionKey) (bos.SessionRecord, error) {
	return scanSession(s.row(ctx, sessionColumns+" WHERE tenant = ? AND name = ?", key.Tenant, key.Name))
}

// Sessions lists sessions by start time and name.
func (s *Store) Sessions(ctx context.Context, f bos.SessionFilter, now time.Time) ([]bos.SessionRecord, error) {
	whose, args := within(f.Of, "tenant")
	terms := []string{whose}
	add := func(term string, arg any) {
		terms = append(terms, term)
		args = append(args, arg)
	}
	if f.Name != "" {
		add("name = ?", f.Name)
	}
	if f.Status != "" {
		add("status = ?", string(f.Status))
	}
	if f.MinAge > 0 {
		add("started <= ?", now.Add(-f.MinAge).Unix())
	}
	if f.MaxAge > 0 {
		add("started >= ?", now.Add(-f.MaxAge).Unix())
	}
	var list []bos.SessionRecord
	err := s.each(ctx, func(row scanner) error {
		r, err := scanSession(row)
		if err != nil {
			return s.ifDamaged(f.Readable)(err)
		}
		list = append(list, r)
		return nil
	}, sessionColumns+" WHERE "+strings.Join(terms, " AND ")+" ORDER BY started, name, tenant", args...)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return list, nil
}

// MutateSession changes one session.
func (s *Store) MutateSession(ctx context.Context, key bos.SessionKey, fn func(*bos.SessionRecord) error, notes ...bos.Event) (bos.SessionRecord, error) {
	var out bos.SessionRecord
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		r, err := readSession(ctx, t, key)
		if err != nil {
			return err
		}
		if err := fn(&r); err != nil {
			return err
		}
		if r.Revision, err = putSession(ctx, t, r); err != nil {
			return err
		}
		if r.Listed() {
			if err := t.list(ctx, r); err != nil {
				return err
			}
		}
		out = r
		return t.noteSession(ctx, key, notes)
	})
	return out, err
}

// DeleteSession removes a session's record.
func (s *Store) DeleteSession(ctx context.Context, key bos.SessionKey, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := t.deleteSession(ctx, key); err != nil {
			return err
		}
		return t.noteSession(ctx, key, notes)
	})
}

func (t *tx) deleteSession(ctx context.Context, key bos.SessionKey) error {
	if err := mustAffect(t.counted(ctx, "DELETE FROM sessions WHERE tenant = ? AND name = ?", key.Tenant, key.Name)); err != nil {
		return err
	}
	change, err := t.changing(ctx)
	if err != nil {
		return err
	}
	change.session(key)
	if err := t.exec(ctx, deleteMembers, key.Name, key.Tenant); err != nil {
		return fmt.Errorf("delete the nodes of session %s: %w", key.Name, err)
	}
	return nil
}
