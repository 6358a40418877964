package redfish

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	sessionsPath = "/redfish/v1/SessionService/Sessions"
	// farewellTimeout bounds the end of all sessions, and that of all
	// subscriptions; farewellsAtOnce is how many end side by side. BMCs end
	// on their own what is left.
	farewellTimeout = 5 * time.Second
	farewellsAtOnce = 64
	// basicFor is for how long Basic credentials are used in place of a session
	// that there was none of, guardedFor where a BMC wants them for logins
	// too: each login is a failed one then.
	basicFor, guardedFor = 5 * time.Minute, time.Hour
	// loginsRefused is how many logins in a row a BMC may refuse, for another
	// reason than the password, until Basic credentials are used.
	loginsRefused = 2
)

// session is the one login at a BMC. A lost answer to a login may have made a
// session that nobody can end, and BMCs have few: none is asked for soon after it.
type session struct {
	token    string // empty without a session
	location string // its address, to end it; empty if the BMC did not tell
	user     string
	// basicUntil is until when Basic credentials are used: there was no session
	// to have.
	basicUntil time.Time
	// noBasicUntil is until when they are not: the BMC refused this secret so.
	noBasicUntil time.Time
	noBasic      secret
	// refused counts the logins in a row that were refused for other reasons.
	refused int
}

// sessionAt is the login at a BMC. It belongs to who holds the gate.
func (c *Client) sessionAt(address string) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[address]
	if s == nil {
		s = &session{}
		c.sessions[address] = s
	}
	return s
}

// barsBasic reports whether the BMC refused a secret as Basic credentials a while ago.
func (s *session) barsBasic(of secret, now time.Time) bool {
	return s.noBasic == of && now.Before(s.noBasicUntil)
}

// inSession sends a request with the BMC's session, which it begins where there
// is none and once more where it has expired. It is called by who holds the gate.
func (c *Client) inSession(ctx context.Context, e Endpoint, q transport.Request, user, password string) (*transport.Response, *transport.Error) {
	s, as := c.sessionAt(e.Address), secretOf(user, password)
	for range 2 {
		now := time.Now()
		if s.token == "" && (s.barsBasic(as, now) || !now.Before(s.basicUntil)) {
			if failed := c.login(ctx, e, s, user, password); failed != nil {
				return nil, failed
			}
		}
		if s.token == "" || s.user != user {
			break
		}
		q.Header, q.Secrets = map[string]string{"X-Auth-Token": s.token}, []string{s.token}
		res, err := c.send(ctx, e, q)
		if failed := failure(err); failed == nil || !refusesLogin(failed.Status) {
			return res, failed
		}
		s.token = ""
		c.mu.Lock()
		c.doubtEvents(e.Address)
		c.mu.Unlock()
	}
	now := time.Now()
	if s.barsBasic(as, now) {
		return nil, transport.Withhold("the BMC " + e.Address + " accepts no Basic credentials, and gives no session that it accepts; switch one of them on there, or correct power.redfish.credentials")
	}
	if s.token == "" && !now.Before(s.basicUntil) {
		s.basicUntil = now.Add(basicFor) // a token that is new was refused
	}
	q.Header, q.Secrets = nil, nil
	res, failed := c.basic(ctx, e, q, user, password)
	if says(res) == refused {
		s.noBasic, s.noBasicUntil = as, time.Now().Add(triesFor)
	}
	return res, failed
}

// basic sends a request with Basic credentials, or none where there are none.
func (c *Client) basic(ctx context.Context, e Endpoint, q transport.Request, user, password string) (*transport.Response, *transport.Error) {
	if user == "" && password == "" {
		res, err := c.send(ctx, e, q)
		return res, failure(err)
	}
	done, held := c.guard.admit(e.Address, user, secretOf(user, password), time.Now())
	if held != nil {
		return nil, held
	}
	q.User, q.Password = user, password
	res, err := c.send(ctx, e, q)
	done(says(res))
	return res, failure(err)
}

// login begins a session, or finds that the BMC has none to give. The error is
// a failure that ends the request, which then has not been sent.
func (c *Client) login(ctx context.Context, e Endpoint, s *session, user, password string) *transport.Error {
	done, held := c.guard.admit(e.Address, user, secretOf(user, password), time.Now())
	if held != nil {
		return held
	}
	body := struct{ UserName, Password string }{user, password}
	res, err := c.send(ctx, e, transport.Request{
		Method: http.MethodPost, URL: e.url(sessionsPath), Body: body, Secrets: []string{password},
	})
	failed, now := failure(err), time.Now()
	switch {
	case failed == nil:
		done(accepted)
		s.begin(e, user, res, now)
		return nil
	case refusesLogin(failed.Status) && challenges(res.Header):
		done(refusedPerhaps)
		s.basicUntil = now.Add(guardedFor)
		return nil
	case transport.Unauthorized(failed.Status), meaning(res) == refusedLogin:
		done(refused)
		failed.Status = http.StatusUnauthorized
		return failed
	}
	done(unclear)
	switch {
	case failed.Kind == transport.NotSent:
		return failed
	case failed.Kind == transport.Unanswered:
		s.basicUntil = now.Add(basicFor)
		// It is the login that may have happened; what was to follow has not.
		failed.Kind = transport.NotSent
		return failed
	case transport.Absent(failed.Status), givesNone(failed):
		s.basicUntil = now.Add(basicFor)
		return nil
	}
	if s.refused++; s.refused < loginsRefused || s.barsBasic(secretOf(user, password), now) {
		// The table of sessions is full, or the BMC starts: it passes.
		failed.Status = http.StatusServiceUnavailable
		return failed
	}
	s.refused, s.basicUntil = 0, now.Add(basicFor)
	return nil
}

// givesNone reports whether there are no sessions where they should be: the method is not
// taken, or the way leads to a page for people. Nobody is sent elsewhere with a password.
func givesNone(failed *transport.Error) bool {
	class := transport.ClassOf(failed)
	return class == transport.ClassUnsupported || class == transport.ClassGateway
}

// challenges reports whether a refusal asks for Basic credentials: some BMCs want
// a login before they give a session.
func challenges(refusal http.Header) bool {
	return slices.ContainsFunc(refusal.Values("WWW-Authenticate"), func(challenge string) bool {
		scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
		return strings.EqualFold(scheme, "Basic")
	})
}

// begin takes the session from the answer to a login. Where the header with its
// address is missing, the body has it; one that cannot be ended is used all the
// same, as others would have to be begun in its place.
func (s *session) begin(e Endpoint, user string, answer *transport.Response, now time.Time) {
	s.refused = 0
	token := answer.Header.Get("X-Auth-Token")
	if token == "" {
		s.basicUntil = now.Add(basicFor)
		return
	}
	s.token, s.user, s.location, s.basicUntil = token, user, "", time.Time{}
	var body struct {
		ID string `json:"@odata.id"`
	}
	_ = json.Unmarshal(answer.Body, &body) // it may have none
	for _, reference := range []string{answer.Header.Get("Location"), body.ID} {
		// BMCs know themselves under other names; the path is what counts.
		if u, err := url.Parse(reference); err == nil && strings.HasPrefix(u.Path, "/") {
			s.location = e.url(u.EscapedPath())
			return
		}
	}
}

// logout ends all sessions as far as there is time.
func (c *Client) logout() {
	c.mu.Lock()
	var left []*session
	for _, s := range c.sessions {
		if s.token != "" && s.location != "" {
			left = append(left, s)
		}
	}
	clear(c.sessions)
	c.mu.Unlock()
	farewell(left, func(ctx context.Context, s *session) {
		q := transport.Request{
			Method: http.MethodDelete, URL: s.location,
			Header: map[string]string{"X-Auth-Token": s.token}, Secrets: []string{s.token},
		}
		res, err := c.http.Do(ctx, q)
		if to, again := slashed(q.URL, failure(err), res); again {
			q.URL = to
			_, _ = c.http.Do(ctx, q) // the BMC ends it in the end
		}
	})
}
