package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// applyStagedBody is the body of POST /v2/applystaged.
type applyStagedBody struct {
	Xnames stagedNames `json:"xnames"`
}

// boundStagedBody is the body of POST /x/v1/applystaged.
type boundStagedBody struct {
	Nodes   applyStagedBody `json:",embed"`
	Session *string         `json:"session"`
	Guards  *guardsBody     `json:"guards"`
	Receipt string          `json:"receipt"`
	// plain says that the answer is that of version 2.
	plain bool
}

// stagedNames are the nodes of one request.
type stagedNames []string

// UnmarshalJSONFrom reads no more than are taken.
func (n *stagedNames) UnmarshalJSONFrom(dec *jsontext.Decoder) (err error) {
	*n, err = edge.Texts(dec, bos.MaxStagedXnames)
	return err
}

func (b applyStagedBody) check() error {
	for _, id := range b.Xnames {
		if !bos.ValidComponentID(id) {
			return bos.Invalidf("xnames", "%q cannot be a component's id; use 1 to %d characters", clip(id), bos.MaxComponentID)
		}
	}
	return nil
}

// applyStaged starts what sessions have staged on the named nodes, all in one
// transaction, and says for each node what came of it.
//
// A node whose staged session is another tenant's is ignored like a node of
// another tenant. So is one that was staged anew while the request was under
// way: it was not asked about that state. A node that is held is failed, and keeps
// what is staged.
func (s *server) applyStaged(w http.ResponseWriter, r *http.Request) error {
	reach, err := s.reachOf(r)
	if err != nil {
		return untitled(err)
	}
	var body applyStagedBody
	if err := decode(w, r, maxTemplateBody, &body); err != nil {
		return err
	}
	return s.applyWhatIsStaged(w, r, reach, boundStagedBody{Nodes: body, plain: true})
}

// applyBoundStaged does the same for what one session has staged, and within the
// guards of whoever asks: POST /x/v1/applystaged with session and guards. Nodes for which
// another session has staged something are ignored. With a receipt it is done once.
func (s *server) applyBoundStaged(w http.ResponseWriter, r *http.Request) error {
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	var body boundStagedBody
	if err := decode(w, r, maxTemplateBody, &body); err != nil {
		return err
	}
	if body.Session != nil && !bos.ValidName(*body.Session) {
		return bos.Invalidf("session", "%q cannot name a session; use %s, or leave it out", clip(*body.Session), bos.NameRule)
	}
	if err := checkAsked(body.Receipt, "", body.Guards); err != nil {
		return err
	}
	return s.applyWhatIsStaged(w, r, reach, body)
}

func (s *server) applyWhatIsStaged(w http.ResponseWriter, r *http.Request, reach bos.Reach, bound boundStagedBody) error {
	body := bound.Nodes
	if err := body.check(); err != nil {
		return err
	}
	options, err := s.Store.Options(r.Context())
	if err != nil {
		return err
	}
	ids := bos.Distinct(bos.CanonicalIDs(body.Xnames))
	staged, why, err := s.stagedSessions(r.Context(), reach, ids)
	if err != nil {
		return err
	}
	maps.DeleteFunc(staged, func(id string, from stagedBy) bool {
		if bound.Session == nil || from.name == *bound.Session {
			return false
		}
		why[id] = bos.StagedOfOtherSession
		return true
	})
	if bound.Receipt != "" {
		return s.applyOnce(w, r, reach, bound, ids, staged, why, options)
	}
	if err := s.guardStaged(r.Context(), bound.Guards.guards(), staged); err != nil {
		return err
	}
	applied := make(map[string]bool, len(ids))
	if len(staged) > 0 {
		own := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, has := staged[id]; return !has })
		_, err = s.Store.MutateComponents(r.Context(), own, func(rec *bos.Record, exists bool) error {
			from := staged[rec.ID]
			delete(why, rec.ID)
			if !exists || rec.StagedState.Session != from.name {
				why[rec.ID] = bos.StagedAnew
				return bos.ErrSkip
			}
			if rec.Held.On() {
				applied[rec.ID], why[rec.ID] = false, bos.StagedHeld // it stays staged
				return bos.ErrSkip
			}
			if applied[rec.ID] = bos.ApplyStaged(rec, from.session, options.ClearStage, s.Now()); !applied[rec.ID] {
				why[rec.ID] = bos.StagedMisfit
			}
			return nil
		}, s.note(r, eventStageApplied, ""))
		if err != nil {
			return err
		}
	}
	return s.answerStaged(w, r, bound.plain, ids, applied, why)
}

// tellUnapplied says to clients of version 2, in whose answer there is no place for it, and
// in the log, why nothing was applied to some nodes: no request does nothing without a
// word.
func (s *server) tellUnapplied(w http.ResponseWriter, plain bool, unapplied []bos.StagedUnapplied) {
	for _, u := range unapplied {
		s.Log.Warn("staged state was not applied", "reason", u.Reason, "nodes", clip(u.Nodes), "sentence", u.Sentence)
		if plain {
			w.Header().Add("Warning", fmt.Sprintf("299 bos %q", clip(u.Nodes)+": "+string(u.Reason)+": "+u.Sentence))
		}
	}
}

func (s *server) answerStaged(w http.ResponseWriter, r *http.Request, plain bool, ids []string, applied map[string]bool, why map[string]bos.StagedReason) error {
	outcome := bos.StagedOutcome{Succeeded: []string{}, Failed: []string{}, Ignored: []string{}}
	var changed []string
	for _, id := range ids {
		ok, touched := applied[id]
		switch {
		case !touched:
			outcome.Ignored = append(outcome.Ignored, id)
			continue
		case ok:
			outcome.Succeeded = append(outcome.Succeeded, id)
		default:
			outcome.Failed = append(outcome.Failed, id)
		}
		changed = append(changed, id)
	}
	if len(changed) > 0 {
		if err := s.settle(r, Change{Components: changed}); err != nil {
			return err
		}
	}
	unapplied := bos.Unapplied(why)
	s.tellUnapplied(w, plain, unapplied)
	if plain {
		return s.answer(w, http.StatusOK, outcome)
	}
	return s.answer(w, http.StatusOK, bos.StagedAnswer{StagedOutcome: outcome, Unapplied: unapplied})
}

// stagedBy is the session that staged a component's state; session is nil where
// there is no record of it any more.
type stagedBy struct {
	name    string
	session *bos.Session
	record  bos.Record
}

// stagedSessions finds, for each of the components that may be touched and has
// something staged, the session that staged it. Those of another tenant's
// session are left out. Of each of the others it says why.
func (s *server) stagedSessions(ctx context.Context, reach bos.Reach, ids []string) (staged map[string]stagedBy, why map[string]bos.StagedReason, err error) {
	staged, why = make(map[string]stagedBy), make(map[string]bos.StagedReason)
	own := make([]string, 0, len(ids))
	for _, id := range ids {
		if why[id] = bos.StagedNotOfTenant; reach.Has(id) {
			own, why[id] = append(own, id), bos.StagedNoComponent
		}
	}
	if len(own) == 0 {
		return staged, why, nil
	}
	records, err := s.Store.Components(ctx, bos.ComponentFilter{IDs: own})
	if err != nil {
		return nil, nil, err
	}
	byName, byID := make(map[string][]string), make(map[string]bos.Record, len(records))
	for i := range records {
		byID[records[i].ID], why[records[i].ID] = records[i], bos.StagedNothing
		if name := records[i].StagedState.Session; name != "" {
			byName[name] = append(byName[name], records[i].ID)
		}
	}
	for name, of := range byName {
		found, err := s.whoStaged(ctx, reach.Tenant(), name, of)
		if err != nil {
			return nil, nil, err
		}
		for id, session := range found {
			if session != nil && !reach.Whole() && bos.TenantOf(session.Tenant) != reach.Tenant() {
				why[id] = bos.StagedOfOtherTenant
				continue
			}
			staged[id] = stagedBy{name, session, byID[id]}
			delete(why, id)
		}
	}
	return staged, why, nil
}

// whoStaged finds the sessions of a name that have something staged on components:
// those say the name, without a tenant. Where none has, because a client staged the
// state by hand, it is the session of that name of the request's own tenant; nil if
// there is none.
func (s *server) whoStaged(ctx context.Context, tenant, name string, ids []string) (map[string]*bos.Session, error) {
	sessions, err := s.Store.Sessions(ctx, bos.SessionFilter{Of: bos.AllTenants(), Name: name}, s.Now())
	if err != nil {
		return nil, err
	}
	byKey := make(map[bos.SessionKey]*bos.Session, len(sessions))
	for i := range sessions {
		byKey[sessions[i].Key()] = &sessions[i].Session
	}
	keys, err := s.Store.SessionsOf(ctx, name, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*bos.Session, len(ids))
	for _, id := range ids {
		key, known := keys[id]
		if !known {
			key = bos.SessionKey{Tenant: tenant, Name: name}
		}
		found[id] = byKey[key]
	}
	return found, nil
}
