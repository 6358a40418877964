package api

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// cancelBody is the body of POST /x/v1/sessions/{name}/cancel; it may be left
// out.
type cancelBody struct {
	Reason string `json:"reason"`
}

// cancelSession ends a session: POST /x/v1/sessions/{name}/cancel with
// {"reason": text} (at most 1023 characters) or no body. The answer is the
// session, 200, which then is complete with the error "cancelled: reason"; one
// that was complete before is answered as it is. 404 for an unknown session,
// also for one of another tenant.
//
// Session and nodes change together: nodes that the session still works on are
// disabled with an error that names it, and what it staged is cleared. A power
// action that has been sent is not taken back: the node finishes it by itself.
func (s *server) cancelSession(w http.ResponseWriter, r *http.Request) error {
	key, err := sessionKey(r)
	if err != nil {
		return err
	}
	body, err := decodeCancel(w, r)
	if err != nil {
		return err
	}
	rec, nodes, err := s.Store.MutateOwned(r.Context(), key, func(rec *bos.SessionRecord, owned []bos.Record, left bos.Tally) error {
		return bos.Cancel(rec, owned, left, body.Reason, s.Now())
	}, s.note(r, eventSessionCancelled, body.Reason))
	if err != nil {
		return orMissing(err, kindSession, key.Tenant, key.Name)
	}
	if err := s.settle(r, changeOf(key, nodes)); err != nil {
		return err
	}
	return s.answerSession(w, r, rec)
}

// changeOf is what a write of a session and of its nodes changed.
func changeOf(key bos.SessionKey, nodes []bos.Record) Change {
	change := Change{Sessions: []bos.SessionKey{key}}
	for i := range nodes {
		change.Components = append(change.Components, nodes[i].ID)
	}
	return change
}

// optionalFrom decodes a body that may be left out.
func optionalFrom(from io.Reader, media string, v any) error {
	_, rest, err := firstByte(from)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return explain(err)
	}
	if err := checkMedia(media); err != nil {
		return err
	}
	return decodeFrom(rest, v)
}

func decodeCancel(w http.ResponseWriter, r *http.Request) (cancelBody, error) {
	body, err := cancelFrom(http.MaxBytesReader(w, r.Body, maxBody), r.Header.Get("Content-Type"))
	return body, drained(w, r, err)
}

func cancelFrom(from io.Reader, media string) (cancelBody, error) {
	var body cancelBody
	if err := optionalFrom(from, media, &body); err != nil {
		return body, err
	}
	body.Reason = strings.TrimSpace(body.Reason)
	return body, checkText("reason", &body.Reason, bos.MaxReason)
}
