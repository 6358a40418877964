package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Unconfirmed is a session of which nobody can say whether the server accepted
// it: neither its creation nor the look-up by its name was answered.
type Unconfirmed struct {
	Name   string
	Create error
	LookUp error
}

// Error says both.
func (e *Unconfirmed) Error() string {
	return fmt.Sprintf("it is not known whether session %s was accepted: %s; and looking it up failed: %s", e.Name, e.Create, e.LookUp)
}

// Unwrap is both causes.
func (e *Unconfirmed) Unwrap() []error { return []error{e.Create, e.LookUp} }

func sessionPath(name string) string { return "/v2/sessions/" + url.PathEscape(name) }

// Session reads a session.
func (c *Client) Session(ctx context.Context, name string) (bos.Session, error) {
	var s bos.Session
	err := c.get(ctx, sessionPath(name), nil, &s)
	return s, err
}

// SessionFilter picks sessions of a list. Ages are written as BOS writes them,
// such as 2d.
type SessionFilter struct {
	Status, MinAge, MaxAge string
}

// Sessions lists the sessions of the client's tenant, or of everyone without
// one.
func (c *Client) Sessions(ctx context.Context, f SessionFilter) ([]bos.Session, error) {
	query := url.Values{}
	for name, value := range map[string]string{"status": f.Status, "min_age": f.MinAge, "max_age": f.MaxAge} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var all []bos.Session
	err := c.get(ctx, "/v2/sessions", query, &all)
	return all, err
}

// SessionStatus reads how far a session is.
func (c *Client) SessionStatus(ctx context.Context, name string) (bos.ExtendedStatus, error) {
	var s bos.ExtendedStatus
	err := c.get(ctx, sessionPath(name)+"/status", nil, &s)
	return s, err
}

// DeleteSession deletes a session's record; nodes are not touched.
func (c *Client) DeleteSession(ctx context.Context, name string) error {
	return c.send(ctx, http.MethodDelete, sessionPath(name), nil, nil)
}

// CreateSession creates a session under the name in s, which must be unique: it
// is what makes the outcome certain. A create that got no clear answer is looked
// up by that name first, and offered again only if it was not accepted.
//
// Once the first byte is sent, ctx no longer stops it: an interrupted create
// would be a session that nobody knows of. It ends after the client's timeouts.
// The error is *Unconfirmed if the outcome could not be learnt.
func (c *Client) CreateSession(ctx context.Context, s bos.PinnedSession) (bos.Session, error) {
	if s.Name == "" {
		return bos.Session{}, errors.New("a session to be created needs a name of its own")
	}
	path, body, err := c.sessionBody(ctx, s)
	if err != nil {
		return bos.Session{}, err
	}
	for attempt := 0; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return bos.Session{}, fmt.Errorf("session %s was not created: %w", s.Name, err)
		}
		var created bos.Session
		certain := context.WithoutCancel(ctx)
		createErr := c.send(certain, http.MethodPost, path, body, &created)
		if createErr == nil {
			return created, nil
		}
		// An offer that is repeated may meet the one before it.
		met := attempt > 0 && IsConflict(createErr)
		if !Undecided(createErr) && !met {
			return bos.Session{}, createErr
		}
		found, err := c.Session(certain, s.Name)
		switch {
		case err == nil && same(found, s):
			return found, nil
		case err == nil, met && IsNotFound(err):
			return bos.Session{}, createErr
		case !IsNotFound(err):
			return bos.Session{}, &Unconfirmed{Name: s.Name, Create: createErr, LookUp: err}
		case attempt >= c.retries:
			return bos.Session{}, createErr
		}
		pause(ctx, min(firstRetry<<min(attempt, 10), laterRetry))
	}
}

func same(found bos.Session, wanted bos.PinnedSession) bool {
	return found.Operation == wanted.Operation && found.TemplateName == wanted.TemplateName
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// sessionBody is where to send the session and as what: a server with the
// extensions compares the pin and notes the reason, another one gets plain v2
// with the limit written out.
func (c *Client) sessionBody(ctx context.Context, s bos.PinnedSession) (path string, body any, err error) {
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return "", nil, err
	}
	if (s.Pin != "" || s.Reason != "") && Has(caps, bos.ExtensionPinnedSessions) {
		return "/x/v1/sessions", s, nil
	}
	if s.Limit != nil && !Has(caps, bos.ExtensionFoldedLimits) {
		plain, err := PlainLimit(*s.Limit)
		if err != nil {
			return "", nil, err
		}
		s.Limit = &plain
	}
	return "/v2/sessions", s.SessionCreate, nil
}

// PlainLimit writes a limit without brackets, for servers that do not know
// them. The error is a *bos.Invalid.
func PlainLimit(limit string) (string, error) {
	if !strings.Contains(limit, "[") {
		return limit, nil
	}
	var terms []string
	for _, term := range bos.SplitList(limit) {
		term = strings.TrimSpace(term)
		op := term[:len(term)-len(strings.TrimLeft(term, "&!"))]
		names, err := bos.Expand(strings.TrimPrefix(term, op), bos.MaxExpand)
		if err != nil {
			return "", err
		}
		if op == "&" && len(names) > 1 {
			return "", bos.Invalidf("limit", "%q intersects with a folded list, which this server cannot do; name a group or role after the &, or list the nodes one by one", term)
		}
		for _, name := range names {
			terms = append(terms, op+name)
		}
	}
	plain := strings.Join(terms, ",")
	if len(plain) > bos.MaxLimit {
		return "", bos.Invalidf("limit", "has %d characters when it is written out for this server, at most %d are allowed", len(plain), bos.MaxLimit)
	}
	return plain, nil
}

// outcomePage is how many nodes one page of outcomes holds, maxOutcomePages how
// many pages are read at most.
const (
	outcomePage     = "1000"
	maxOutcomePages = 1000
)

// Outcomes says what became of each node of a session. A server without that
// extension is asked for the components that the session still owns.
func (c *Client) Outcomes(ctx context.Context, session string) ([]bos.NodeOutcome, error) {
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return nil, err
	}
	if !Has(caps, bos.ExtensionOutcomes) {
		return c.plainOutcomes(ctx, session)
	}
	var all []bos.NodeOutcome
	query := url.Values{"page_size": {outcomePage}}
	for range maxOutcomePages {
		var page bos.NodeOutcomes
		if err := c.get(ctx, "/x/v1/sessions/"+url.PathEscape(session)+"/components", query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Components...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("start_after_id", page.Next)
	}
	return nil, fmt.Errorf("the outcomes of session %s do not end after %d pages", session, maxOutcomePages)
}

func (c *Client) plainOutcomes(ctx context.Context, session string) ([]bos.NodeOutcome, error) {
	records, err := c.Components(ctx, bos.ComponentFilter{Session: session})
	if err != nil {
		return nil, err
	}
	outcomes := make([]bos.NodeOutcome, len(records))
	for i, r := range records {
		outcomes[i] = bos.NodeOutcome{ID: r.ID, Status: r.Status.Status, Phase: r.Status.Phase, Error: r.Error}
	}
	return outcomes, nil
}
