package shell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// FeedReader reads what others write, by the feed of the store: whoever wrote it, in
// this process or another. The zero value knows nothing.
type FeedReader struct {
	position int64
	// own are the revisions of what the engine itself wrote since.
	own map[int64]bool
}

// errForeign is a store that lacks what was read of it before: nothing that an engine keeps
// of it can be told from what was lost, by its revision or otherwise.
var errForeign = errors.New("the database lacks writes that this service has read, as after a failover to a standby that had not received them")

// Begin takes up the feed at its end. What is loaded after it is as new as that.
func (f *FeedReader) Begin(ctx context.Context, store bos.EngineStore) error {
	fed, err := store.Changes(ctx, 0)
	if err != nil {
		return fmt.Errorf("follow the store: %w", err)
	}
	f.position, f.own = fed.Newest, make(map[int64]bool)
	return nil
}

// Wrote takes note of a revision that the engine wrote: it need not be read again.
func (f *FeedReader) Wrote(revision int64) { f.own[revision] = true }

// Load adds to the inputs what changed since. known are records as their writers
// returned them, late or in time; a newer one is read.
func (f *FeedReader) Load(ctx context.Context, p Ports, e *engine.Engine, known []bos.Record, in *engine.Inputs) error {
	fed, err := p.Store.Changes(ctx, f.position)
	if err != nil {
		return err
	}
	switch {
	case fed.Foreign:
		return errForeign
	case fed.All:
		err = p.loadAll(ctx, e, in)
	default:
		err = f.loadChanged(ctx, p, fed, known, in)
	}
	if err == nil {
		f.position = fed.Newest
		clear(f.own)
	}
	return err
}

func (f *FeedReader) loadChanged(ctx context.Context, p Ports, fed bos.Changes, known []bos.Record, in *engine.Inputs) error {
	// A record that the feed has told of before was loaded then, and the engine may be
	// done with it since: it is no news, though its writer hands it over only now.
	revisions := make(map[string]int64, len(known))
	for i := range known {
		if known[i].Revision > f.position {
			revisions[known[i].ID] = known[i].Revision
		}
	}
	var ids []string
	for _, c := range fed.Components {
		if revisions[c.ID] == c.Revision {
			continue
		}
		delete(revisions, c.ID) // a newer one is stored
		if !f.own[c.Revision] {
			ids = append(ids, c.ID)
		}
	}
	in.Records = slices.Grow(in.Records, len(revisions))
	for i := range known {
		if revisions[known[i].ID] == known[i].Revision {
			in.Records = append(in.Records, known[i])
		}
	}
	if err := p.loadComponents(ctx, ids, in); err != nil {
		return err
	}
	for _, c := range fed.Sessions {
		if f.own[c.Revision] {
			continue
		}
		rec, err := p.Store.Session(ctx, c.Key)
		switch {
		case errors.Is(err, bos.ErrNotFound):
			in.GoneSessions = append(in.GoneSessions, c.Key)
		case err != nil:
			return err
		default:
			in.Sessions = append(in.Sessions, rec)
		}
	}
	if fed.SitePause {
		if err := p.loadSitePause(ctx, in); err != nil {
			return err
		}
	}
	if !fed.Options {
		return nil
	}
	return p.loadOptions(ctx, in)
}

func (p Ports) loadComponents(ctx context.Context, ids []string, in *engine.Inputs) error {
	if len(ids) == 0 {
		return nil
	}
	records, err := p.Store.Components(ctx, bos.ComponentFilter{IDs: ids, Readable: true})
	if err != nil {
		return err
	}
	in.Records = joined(in.Records, records)
	found := make(map[string]bool, len(records))
	for i := range records {
		found[records[i].ID] = true
	}
	for _, id := range ids {
		if !found[id] {
			in.Deleted = append(in.Deleted, id)
		}
	}
	return nil
}

func (p Ports) loadSitePause(ctx context.Context, in *engine.Inputs) error {
	pause, err := p.Store.SitePause(ctx)
	in.SitePause = &pause
	return err
}

func (p Ports) loadOptions(ctx context.Context, in *engine.Inputs) error {
	options, err := p.Store.Options(ctx)
	in.Options = &options
	return err
}

// loadAll loads all that an engine works on anew, and tells it what is no longer
// among it.
func (p Ports) loadAll(ctx context.Context, e *engine.Engine, in *engine.Inputs) error {
	records, err := p.inWork(ctx)
	if err != nil {
		return err
	}
	sessions, err := p.OpenSessions(ctx, time.Time{})
	if err != nil {
		return err
	}
	in.Records, in.Sessions = append(in.Records, records...), append(in.Sessions, sessions...)
	there := make(map[string]bool, len(records))
	for i := range records {
		there[records[i].ID] = true
	}
	nodes, known := e.Known()
	for _, id := range nodes {
		if !there[id] {
			in.Deleted = append(in.Deleted, id)
		}
	}
	open := make(map[bos.SessionKey]bool, len(sessions))
	for i := range sessions {
		open[sessions[i].Key()] = true
	}
	for _, key := range known {
		if !open[key] {
			in.GoneSessions = append(in.GoneSessions, key)
		}
	}
	if err := p.loadSitePause(ctx, in); err != nil {
		return err
	}
	return p.loadOptions(ctx, in)
}
