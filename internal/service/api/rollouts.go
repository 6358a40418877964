package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// getRollout says how far the rollout of a session is, and what it is held by: GET
// /x/v1/sessions/{name}/rollout. 404 for a session without one.
func (s *server) getRollout(w http.ResponseWriter, r *http.Request) error {
	rec, err := s.session(r)
	if err != nil {
		return err
	}
	return s.answerRollout(w, r, rec)
}

func (s *server) answerRollout(w http.ResponseWriter, r *http.Request, rec bos.SessionRecord) error {
	if rec.Rollout == nil {
		return problemf(http.StatusNotFound, "No rollout", "session %q has no rollout: its nodes are started all at once", rec.Name)
	}
	nodes, err := s.Store.SessionNodes(r.Context(), rec.Key(), "", bos.AllNodes)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, bos.RolloutStatusOf(rec, nodes))
}

// promoteRollout lets the other batches follow a healthy canary: POST
// /x/v1/sessions/{name}/promote. 409 while it is not healthy.
func (s *server) promoteRollout(w http.ResponseWriter, r *http.Request) error {
	key, err := sessionKey(r)
	if err != nil {
		return err
	}
	body, err := decodeCancel(w, r)
	if err != nil {
		return err
	}
	rec, err := s.Store.MutateSession(r.Context(), key, func(rec *bos.SessionRecord) error { return rec.Promote() }, s.note(r, eventRolloutPromoted, body.Reason))
	return s.answerVerb(w, r, key, rec, nil, err)
}

// failRollout ends a rollout for the nodes whose turn has not come: POST
// /x/v1/sessions/{name}/fail. Those that were started go on, and the session ends with
// them.
func (s *server) failRollout(w http.ResponseWriter, r *http.Request) error {
	key, err := sessionKey(r)
	if err != nil {
		return err
	}
	body, err := decodeCancel(w, r)
	if err != nil {
		return err
	}
	rec, nodes, err := s.Store.MutateOwned(r.Context(), key, func(rec *bos.SessionRecord, owned []bos.Record, _ bos.Tally) error {
		return rec.Fail(owned, body.Reason, s.Now())
	}, s.note(r, eventRolloutFailed, body.Reason))
	return s.answerVerb(w, r, key, rec, nodes, err)
}

func (s *server) answerVerb(w http.ResponseWriter, r *http.Request, key bos.SessionKey, rec bos.SessionRecord, nodes []bos.Record, err error) error {
	if errors.Is(err, bos.ErrSkip) {
		rec, err = s.Store.Session(r.Context(), key)
	}
	if err != nil {
		return orMissing(asConflict(err, key), kindSession, key.Tenant, key.Name)
	}
	if err := s.settle(r, changeOf(key, nodes)); err != nil {
		return err
	}
	return s.answerRollout(w, r, rec)
}

// asConflict is a rollout that cannot be told this now.
func asConflict(err error, key bos.SessionKey) error {
	const way = "GET /x/v1/sessions/NAME/rollout says where it is and what it is held by"
	for _, known := range []error{bos.ErrNoRollout, bos.ErrRolloutOver, bos.ErrNotHealthy} {
		if errors.Is(err, known) {
			return problemf(http.StatusConflict, titleConflict, "session %q: %s; %s", clip(key.Name), known, strings.ReplaceAll(way, "NAME", clip(key.Name)))
		}
	}
	return err
}

// resumeBody is the body of POST /x/v1/sessions/{name}/resume; it may be left out.
type resumeBody struct {
	Reason     string `json:"reason"`
	SkipFailed bool   `json:"skip_failed"`
}

// resumeSession lets a session go on, from its pause or from the halt of its rollout:
// POST /x/v1/sessions/{name}/resume. The nodes that failed in the batch in which the
// rollout halted are tried again, unless skip_failed leaves them.
func (s *server) resumeSession(w http.ResponseWriter, r *http.Request) error {
	key, err := sessionKey(r)
	if err != nil {
		return err
	}
	var body resumeBody
	if err := drained(w, r, optionalFrom(http.MaxBytesReader(w, r.Body, maxBody), r.Header.Get("Content-Type"), &body)); err != nil {
		return err
	}
	body.Reason = strings.TrimSpace(body.Reason)
	if err := checkText("reason", &body.Reason, bos.MaxReason); err != nil {
		return err
	}
	failed, err := s.failedOf(r.Context(), key)
	if err != nil {
		return orMissing(err, kindSession, key.Tenant, key.Name)
	}
	rec, nodes, err := s.Store.MutateOwned(r.Context(), key, func(rec *bos.SessionRecord, owned []bos.Record, _ bos.Tally) error {
		return rec.Resume(owned, failed, body.SkipFailed, s.Now())
	}, s.note(r, eventSessionResumed, body.Reason))
	if err != nil {
		return orMissing(err, kindSession, key.Tenant, key.Name)
	}
	change := changeOf(key, nodes)
	change.Paused = []bos.SessionRecord{rec}
	if err := s.settle(r, change); err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, sessionPause(rec))
}

// failedOf are the nodes that have failed in the rollout of a session; none without one.
func (s *server) failedOf(ctx context.Context, key bos.SessionKey) ([]string, error) {
	rec, err := s.Store.Session(ctx, key)
	if err != nil || rec.Rollout == nil {
		return nil, err
	}
	nodes, err := s.Store.SessionNodes(ctx, key, "", bos.AllNodes)
	if err != nil {
		return nil, err
	}
	return rec.Rollout.Failed(nodes), nil
}
