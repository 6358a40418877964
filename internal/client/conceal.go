package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// secrets are the credentials that this client has sent or may send. A server, or
// what stands before it, may repeat a request in its answer: no text of theirs
// gets into an error before they are hidden in it.
type secrets struct {
	mu sync.Mutex
	// fixed do not change; recent are tokens, the newest last: one that was replaced
	// an hour ago may still be valid.
	fixed, recent []string
}

const (
	// concealed stands in place of a secret.
	concealed = "(hidden)"
	// shortestSecret is the shortest text that is one: what is shorter is found in
	// every other word.
	shortestSecret = 4
	// mostRecent bounds how many tokens are remembered, in the ways in which each
	// may be written.
	mostRecent = 64
)

// remember adds a token.
func (s *secrets) remember(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range spellings(token) {
		if !slices.Contains(s.recent, text) {
			s.recent = append(s.recent, text)
		}
	}
	s.recent = s.recent[max(0, len(s.recent)-mostRecent):]
}

// spellings are the ways in which a secret may be written; none of one that is too
// short to be told from a word.
func spellings(secret string) []string {
	if len(secret) < shortestSecret {
		return nil
	}
	quoted := strconv.Quote(secret)
	all := []string{secret, url.QueryEscape(secret), quoted[1 : len(quoted)-1]}
	if encoded, err := json.Marshal(secret); err == nil {
		all = append(all, string(encoded[1:len(encoded)-1]))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// texts are what to look for, the longest first: one may be a part of another.
func (s *secrets) texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Concat(s.fixed, s.recent)
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// conceal hides the secrets in a text.
func (s *secrets) conceal(text string) string {
	for _, secret := range s.texts() {
		text = strings.ReplaceAll(text, secret, concealed)
	}
	return text
}

// longest is the length of the longest secret in bytes.
func (s *secrets) longest() int {
	if all := s.texts(); len(all) > 0 {
		return len(all[0])
	}
	return 0
}

// concealedError is an error whose text had secrets.
type concealedError struct {
	text string
	err  error
}

func (e *concealedError) Error() string { return e.text }

// Is tells kinds of errors apart as before. The cause is not handed out: its text
// has the secrets.
func (e *concealedError) Is(target error) bool { return errors.Is(e.err, target) }

// concealIn hides the secrets in an error's text. Those kinds that callers look
// into stay what they are.
func (s *secrets) concealIn(err error) error {
	if err == nil || s.conceal(err.Error()) == err.Error() {
		return err
	}
	var answer *Error
	if errors.As(err, &answer) {
		clean := *answer
		clean.Title, clean.Detail = s.conceal(clean.Title), s.conceal(clean.Detail)
		return &clean
	}
	var silence *Unreachable
	if errors.As(err, &silence) {
		return &Unreachable{Method: silence.Method, URL: silence.URL, Err: &concealedError{s.conceal(silence.Err.Error()), silence.Err}}
	}
	return &concealedError{s.conceal(err.Error()), err}
}

// remembering notes each token that is handed out.
type remembering struct {
	tokens
	secrets *secrets
}

func (r remembering) token(ctx context.Context) (string, error) {
	token, err := r.tokens.token(ctx)
	if err == nil {
		r.secrets.remember(token)
	}
	return token, err
}
