package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

// brakeText is a brake as stored, empty for none.
func brakeText(b bos.Brake) string {
	if !b.On() {
		return ""
	}
	text := document.AppendText([]byte(`{"reason":`), b.Reason)
	text = document.AppendText(append(text, `,"actor":`...), b.Actor)
	text = appendInstant(append(text, `,"since":`...), b.Since)
	if !b.Again.IsZero() {
		text = appendInstant(append(text, `,"again":`...), b.Again)
	}
	return string(append(text, '}'))
}

func appendInstant(text []byte, at time.Time) []byte {
	return append(at.UTC().AppendFormat(append(text, '"'), "2006-01-02T15:04:05.999999999Z"), '"')
}

const (
	selectSitePause = "SELECT revision, brake FROM site_pause"
	putSitePause    = "INSERT INTO site_pause (one, revision, brake) VALUES (1, ?1, ?2) ON CONFLICT (one) DO UPDATE SET revision = ?1, brake = ?2"
)

func scanSitePause(row scanner) (bos.SitePause, error) {
	var p bos.SitePause
	var text string
	err := row.Scan(&p.Revision, &text)
	if notThere(err) {
		return bos.SitePause{}, nil
	}
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &p.Brake)
	}
	if err != nil {
		return bos.SitePause{}, fmt.Errorf("read the pause of the site: %w", err)
	}
	return p, nil
}

// SitePause reads the pause of the whole site.
func (s *Store) SitePause(ctx context.Context) (bos.SitePause, error) {
	return scanSitePause(s.row(ctx, selectSitePause))
}

// MutateSitePause changes the pause of the whole site.
func (s *Store) MutateSitePause(ctx context.Context, fn func(*bos.Brake) error, notes ...bos.Event) (bos.SitePause, error) {
	var out bos.SitePause
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		p, err := scanSitePause(t.row(ctx, selectSitePause))
		if err != nil {
			return err
		}
		out = p
		if err := fn(&p.Brake); err != nil {
			return err
		}
		change, err := t.changing(ctx)
		if err != nil {
			return err
		}
		p.Revision, change.SitePause = change.Revision, true
		out = p
		if err := t.exec(ctx, putSitePause, p.Revision, brakeText(p.Brake)); err != nil {
			return fmt.Errorf("write the pause of the site: %w", err)
		}
		return t.note(ctx, notes)
	})
	if errors.Is(err, bos.ErrSkip) {
		err = nil
	}
	return out, err
}

// Hold pauses the site, unless it is paused already.
func (s *Store) Hold(ctx context.Context, reason string, now time.Time) error {
	_, err := s.MutateSitePause(ctx, func(b *bos.Brake) error {
		if b.On() {
			return bos.ErrSkip
		}
		*b = bos.NewBrake(reason, "", now)
		return nil
	}, bos.Event{Time: now.UTC(), Kind: "site_paused", Detail: reason})
	return err
}
