package redfish

import (
	"context"
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
)

// session is the one login at a BMC. A lost answer to a login may have made a
// session that nobody can end, and BMCs have few: none is asked for after it.
type session struct {
	token    string // empty without a session
	location string // its address, to end it
	user     string
	basic    bool // the BMC has no sessions to give, or to none but Basic credentials
}

// inSession sends a request with the BMC's session, which it begins where there
// is none and once more where it has expired. It is called by who holds the gate.
func (c *Client) inSession(ctx context.Context, e Endpoint, q transport.Request, user, password string) (*transport.Response, *transport.Error) {
	c.mu.Lock()
	s := c.sessions[e.Address]
	if s == nil {
		s = &session{}
		c.sessions[e.Address] = s
	}
	c.mu.Unlock()
	for range 2 {
		if s.token == "" && !s.basic {
			if failed := c.login(ctx, e, s, user, password); failed != nil {
				return nil, failed
			}
		}
		if s.token == "" || s.user != user {
			break
		}
		q.Header, q.Secrets = map[string]string{"X-Auth-Token": s.token}, []string{s.token}
		res, err := c.http.Do(ctx, q)
		if failed := failure(err); failed == nil || failed.Status != http.StatusUnauthorized {
			return res, failed
		}
		s.token = ""
		c.mu.Lock()
		c.doubtEvents(e.Address)
		c.mu.Unlock()
	}
	// A token that is new and refused is the last one.
	s.basic = s.basic || s.token == ""
	q.Header, q.Secrets = nil, nil
	q.User, q.Password = user, password
	res, err := c.http.Do(ctx, q)
	return res, failure(err)
}

// login begins a session, or finds that the BMC has none to give. The error is
// a failure that ends the request, which then has not been sent.
func (c *Client) login(ctx context.Context, e Endpoint, s *session, user, password string) *transport.Error {
	body := struct{ UserName, Password string }{user, password}
	res, err := c.http.Do(ctx, transport.Request{
		Method: http.MethodPost, URL: e.url(sessionsPath), Body: body, Secrets: []string{password},
	})
	var ends *transport.Error
	switch failed := failure(err); {
	case failed == nil:
		s.begin(e, user, res.Header)
	case failed.Status == http.StatusUnauthorized && challenges(res.Header):
		s.basic = true
	case failed.Kind == transport.NotSent, unauthorized(failed.Status):
		ends = failed
	case failed.Kind == transport.Unanswered:
		s.basic = true
		// It is the login that may have happened; what was to follow has not.
		failed.Kind = transport.NotSent
		ends = failed
	default:
		s.basic = true
	}
	return ends
}

// challenges reports whether a refusal asks for Basic credentials: some BMCs want
// a login before they give a session.
func challenges(refusal http.Header) bool {
	return slices.ContainsFunc(refusal.Values("WWW-Authenticate"), func(challenge string) bool {
		scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
		return strings.EqualFold(scheme, "Basic")
	})
}

// begin takes the session from the answer to a login; what cannot be ended is
// not used.
func (s *session) begin(e Endpoint, user string, answer http.Header) {
	token := answer.Get("X-Auth-Token")
	// BMCs know themselves under other names; the path is what counts.
	u, err := url.Parse(answer.Get("Location"))
	if err != nil || token == "" || !strings.HasPrefix(u.Path, "/") {
		s.basic = true
		return
	}
	s.token, s.location, s.user = token, e.url(u.EscapedPath()), user
}

// logout ends all sessions as far as there is time.
func (c *Client) logout() {
	c.mu.Lock()
	var left []*session
	for _, s := range c.sessions {
		if s.token != "" {
			left = append(left, s)
		}
	}
	clear(c.sessions)
	c.mu.Unlock()
	farewell(left, func(ctx context.Context, s *session) {
		_, _ = c.http.Do(ctx, transport.Request{
			Method: http.MethodDelete, URL: s.location,
			Header: map[string]string{"X-Auth-Token": s.token}, Secrets: []string{s.token},
		})
	})
}
