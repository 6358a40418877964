package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Unconfirmed is a session of which nobody can say whether the server accepted
// it: its creation was not answered, and a look-up by its name was not either or
// did not find it. A request that got lost on the way back and one that is still
// on its way look alike.
type Unconfirmed struct {
	Name   string
	Create error
	LookUp error
}

// Error says both.
func (e *Unconfirmed) Error() string {
	if IsNotFound(e.LookUp) {
		return fmt.Sprintf("it is not known whether session %s was accepted or will be: %s; BOS had no session of that name when it was asked right afterwards", e.Name, e.Create)
	}
	return fmt.Sprintf("it is not known whether session %s was accepted: %s; and looking it up failed: %s", e.Name, e.Create, e.LookUp)
}

// Unwrap is both causes.
func (e *Unconfirmed) Unwrap() []error { return []error{e.Create, e.LookUp} }

// Taken is a session that BOS will not accept, since another one has its name.
type Taken struct {
	Found  bos.Session
	Create error
}

// Error says what has the name.
func (e *Taken) Error() string {
	return fmt.Sprintf("the name is taken by another session: %s of template %q, accepted at %s (and the request got no answer: %s)",
		e.Found.Operation, e.Found.TemplateName, e.Found.Status.StartTime.String(), e.Create)
}

// Unwrap is why it had to be looked up.
func (e *Taken) Unwrap() error { return e.Create }

// Unpinnable is a session with a pin on a server that compares none.
type Unpinnable struct{ Name string }

// Error says what to do.
func (e *Unpinnable) Error() string {
	return fmt.Sprintf("session %s was not sent: it has a pin, and this BOS compares none, so it would run on whatever nodes it selects now; plan again against a BOS that announces %s, or leave pin out",
		e.Name, bos.ExtensionPinnedSessions)
}

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
// up by that name first, and offered again under the same name only if it is not
// there, so that it cannot be accepted twice.
//
// Once the first byte is sent, ctx no longer stops it: an interrupted create
// would be a session that nobody knows of. It ends after the client's timeouts.
// A service with receipts may answer with another session than the one of this name:
// one that was asked for before by the same.
// The error is *Unconfirmed if the outcome could not be learnt, *Taken if another
// session has the name, *Unpinnable if the server cannot honour the pin.
func (c *Client) CreateSession(ctx context.Context, s bos.PinnedSession) (bos.Session, error) {
	if s.Name == "" {
		return bos.Session{}, errors.New("a session to be created needs a name of its own")
	}
	if s.Limit != nil && strings.TrimSpace(*s.Limit) == "" {
		return bos.Session{}, bos.Invalidf("limit", "is empty, which selects no node, while BOS would take it for every node; name nodes, or say all")
	}
	path, body, err := c.sessionBody(ctx, s)
	if err != nil {
		return bos.Session{}, err
	}
	posted := time.Now()
	// open is the last offer that got no answer, as long as it may still be
	// accepted, absent the look-up that did not find it.
	var open, absent error
	for attempt := 0; ; attempt++ {
		switch err := ctx.Err(); {
		case err != nil && open != nil:
			return bos.Session{}, &Unconfirmed{Name: s.Name, Create: open, LookUp: absent}
		case err != nil:
			return bos.Session{}, fmt.Errorf("session %s was not created: %w", s.Name, err)
		}
		var created bos.Session
		certain := context.WithoutCancel(ctx)
		createErr := c.send(certain, http.MethodPost, path, body, &created)
		if createErr == nil {
			return created, nil
		}
		if Undecided(createErr) {
			open = createErr
		}
		if open == nil {
			return bos.Session{}, createErr
		}
		found, err := c.Session(certain, s.Name)
		switch {
		case err == nil && SameSession(found, s, posted):
			return found, nil
		case err == nil:
			return bos.Session{}, &Taken{Found: found, Create: createErr}
		case decided(createErr):
			// BOS judged this offer, and the ones before it are the same.
			return bos.Session{}, createErr
		case !IsNotFound(err), attempt >= c.retries:
			return bos.Session{}, &Unconfirmed{Name: s.Name, Create: open, LookUp: err}
		}
		absent = err
		pause(ctx, min(firstRetry<<min(attempt, 10), laterRetry))
	}
}

// decided reports whether BOS itself, and no gateway before it, refused what a
// session asks for.
func decided(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Problem && (e.Status == http.StatusBadRequest || e.Status == http.StatusConflict)
}

// clocks is how far the clocks of this machine and of BOS may be apart.
const clocks = 10 * time.Minute

// SameSession reports whether a session that was found by its name is the one
// that was asked for and first offered at a time: another run may have used the
// name before.
func SameSession(found bos.Session, wanted bos.PinnedSession, offered time.Time) bool {
	limit := ""
	if wanted.Limit != nil {
		limit = *wanted.Limit
	}
	start := found.Status.StartTime.Time
	return found.Operation == wanted.Operation && found.TemplateName == wanted.TemplateName && (wanted.RetryOf != "" || sameLimit(found.Limit, limit)) &&
		found.Stage == wanted.Stage && found.IncludeDisabled == wanted.IncludeDisabled &&
		(start.IsZero() || !start.Before(offered.Add(-clocks)))
}

// sameLimit reports whether two limits are the same, however BOS writes the one
// that it was sent: folded or written out, with xnames in another form.
func sameLimit(a, b string) bool {
	left, errA := limitTerms(a)
	right, errB := limitTerms(b)
	return a == b || errA == nil && errB == nil && slices.Equal(left, right)
}

// limitTerms is a limit term by term, with names written out in canonical form.
func limitTerms(limit string) ([]string, error) {
	var terms []string
	for _, term := range bos.SplitList(limit) {
		term = strings.TrimSpace(term)
		op := term[:len(term)-len(strings.TrimLeft(term, "&!"))]
		names, err := bos.Expand(strings.TrimSpace(strings.TrimPrefix(term, op)), bos.MaxExpand)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			terms = append(terms, op+bos.CanonicalXname(name))
		}
	}
	return terms, nil
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
	pins := Has(caps, bos.ExtensionPinnedSessions)
	switch {
	case s.Pin != "" && !pins:
		return "", nil, &Unpinnable{Name: s.Name}
	case s.Guards != nil && s.Guards.Set() && !Has(caps, bos.ExtensionGuards):
		if err := c.guardHere(ctx, s); err != nil {
			return "", nil, err
		}
		s.Guards = nil
	}
	if s.RetryOf != "" && !Has(caps, bos.ExtensionSteps) {
		return "", nil, bos.Invalidf("retry_of", "cannot be asked of this BOS, which does not announce %s; give the nodes that failed as limit", bos.ExtensionSteps)
	}
	if s.Operation == bos.OperationConfigure && !Has(caps, bos.ExtensionConfigure) {
		return "", nil, bos.Invalidf("operation", "configure is no operation of this BOS, which does not announce %s; a boot of nodes that run their image already applies their configuration alone", bos.ExtensionConfigure)
	}
	if s.StagedBoot && !pins {
		return "", nil, bos.Invalidf("write_staged_boot_parameters", "cannot be asked of this BOS, which does not announce %s; leave it out, and apply what is staged when it is to boot", bos.ExtensionPinnedSessions)
	}
	if s.Rollout != nil && !Has(caps, bos.ExtensionRollouts) {
		return "", nil, noRollouts()
	}
	if s.Overlap, s.Replaces, err = overlapHere(caps, s.Overlap, s.Replaces); err != nil {
		return "", nil, err
	}
	if !Has(caps, bos.ExtensionReceipts) {
		s.Receipt, s.RunKey = "", ""
	}
	if pins && (s.Pin != "" || s.Reason != "" || s.Receipt != "" || s.RunKey != "" || s.Guards != nil) || s.RetryOf != "" || s.Operation == bos.OperationConfigure || s.Rollout != nil || s.Overlap != "" || s.StagedBoot {
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

// overlapHere is what can be said to a server about nodes that other sessions are at work
// on. One without the extension takes them, as BOS v2 does.
func overlapHere(caps bos.Capabilities, rule bos.Overlap, replaces []string) (bos.Overlap, []string, error) {
	switch {
	case Has(caps, bos.ExtensionOverlap):
		return rule, replaces, nil
	case rule != "" && rule != bos.OverlapTakeOver:
		return "", nil, bos.Invalidf("overlap", "%s cannot be asked of this BOS, which does not announce %s and would take nodes from other sessions; leave it out, or use %s", rule, bos.ExtensionOverlap, bos.OverlapTakeOver)
	default:
		return "", nil, nil
	}
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
		outcomes[i] = bos.NodeOutcome{ID: r.ID, Status: cmp.Or(r.Status.Status, r.DeriveStatus()), Phase: r.Status.Phase, Error: r.Error}
	}
	return outcomes, nil
}
