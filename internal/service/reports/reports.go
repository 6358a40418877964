// Package reports is what nodes may ask of the service besides their boot scripts: to
// say what they have booted. It stands on the network of the nodes, where everybody
// may be a node: it finds out who it is that asks, and passes on to the API nothing
// but a report of that node.
package reports

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
)

// NodeTokenHeader has the token of a node where Authorization has one of a gateway.
const NodeTokenHeader = "Bos-Node-Token" //nolint:gosec // the name of one

const (
	// components is where nodes report; behind the path of CSM's gateway as well.
	components = "/v2/components/"
	csmBase    = "/apis/bos"
	// maxBody bounds a report, and maxInFlight those that are being taken: all nodes
	// of a large site report at once, and the rest come again.
	maxBody     = 16 << 10
	maxInFlight = 1024
)

// Config is what reports are taken by. Only API must be given.
type Config struct {
	// API takes what is passed on.
	API http.Handler
	// Names know the addresses of nodes; nil knows none. AnySource takes reports from
	// any address all the same.
	Names     *nodenames.Names
	AnySource bool
	// NodeKey is the key of node tokens; nil looks at none. Required takes no report
	// without one.
	NodeKey  func(ctx context.Context) ([]byte, error)
	Required bool
	// Writable is why nothing may be written now, nil if it may. It may be nil.
	Writable func() error
	// Log is told of who was turned away; nil discards it.
	Log *slog.Logger
}

// Reports takes those of nodes. It is safe for concurrent use.
type Reports struct {
	Config
	places chan struct{}
	cross  *http.CrossOriginProtection
	told   *rate.Limiter
}

// New takes reports.
func New(c Config) *Reports {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Names == nil {
		c.Names = nodenames.New(nil, nil, nil)
	}
	return &Reports{Config: c, places: make(chan struct{}, maxInFlight), cross: http.NewCrossOriginProtection(), told: rate.NewLimiter(rate.Every(time.Second), 10)}
}

// Handler takes reports, and has others served by next, such as boot scripts.
func (s *Reports) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, csmBase)
		name, takes := "", s.takeReport
		if id, ours := strings.CutPrefix(path, components); ours {
			name = id
		} else if name, ours = phonesHome(path); ours {
			takes = s.takeHome
		} else {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if p := s.take(w, r, name, takes); p != nil {
			p.Write(w)
		}
	})
}

// take has a request taken by one that does, in the bounds; the problem is why it was
// not passed on.
func (s *Reports) take(w http.ResponseWriter, r *http.Request, name string, takes func(http.ResponseWriter, *http.Request, string) *edge.Problem) *edge.Problem {
	if p := s.admit(r); p != nil {
		return p
	}
	return takes(w, r, name)
}

// placed does the rest of a report that has been read, if there is a place for it. Who
// sends a report slowly has none meanwhile: few would keep all others out.
func (s *Reports) placed(rest func() *edge.Problem) *edge.Problem {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
		return rest()
	default:
		return busy("%d reports are being taken; this one may come again in a moment", maxInFlight)
	}
}

// takeReport is one report of the node id.
func (s *Reports) takeReport(w http.ResponseWriter, r *http.Request, id string) *edge.Problem {
	if r.Method != http.MethodPatch {
		w.Header().Set("Allow", http.MethodPatch)
		return edge.Problemf(http.StatusMethodNotAllowed, "%.20q is not for nodes; they may PATCH their actual_state, and all else is at the address of the API", r.Method)
	}
	if !bos.ValidComponentID(id) {
		return edge.Problemf(http.StatusBadRequest, "%.100q cannot be a component's id", id)
	}
	id = bos.CanonicalXname(id)
	if !edge.IsJSON(r.Header.Get("Content-Type")) {
		return edge.Problemf(http.StatusUnsupportedMediaType, "the body is %.100q; send it as Content-Type: application/json", r.Header.Get("Content-Type"))
	}
	token, p := readReport(w, r, id)
	if p != nil {
		return p
	}
	return s.placed(func() *edge.Problem {
		if p := s.prove(r, id, token, tokenOf(r)); p != nil {
			s.tell(w, r, id, p)
			return p
		}
		s.report(w, r.WithContext(access.With(r.Context(), s.caller(id, tokenOf(r)))), id, token)
		return nil
	})
}

// caller is the node that was found to ask: it may report, and for itself alone.
func (s *Reports) caller(id, token string) access.Caller {
	proof := access.ProofAddress
	if s.NodeKey != nil && token != "" {
		proof = access.ProofNode
	}
	return access.Caller{Identity: access.Identity{Subject: id, Proof: proof, Roles: []access.Role{access.Reporter}, Nodes: []string{id}}}
}

// admit turns away pages in a browser, and everybody while nothing may be written.
func (s *Reports) admit(r *http.Request) *edge.Problem {
	if s.cross.Check(r) != nil {
		return edge.Problemf(http.StatusForbidden, "a page of another site sent this request; reports are taken from nodes")
	}
	if s.Writable == nil {
		return nil
	}
	if err := s.Writable(); err != nil {
		return busy("nothing may be written now: %v; the report may come again in a moment", err)
	}
	return nil
}

func busy(format string, args ...any) *edge.Problem {
	p := edge.Problemf(http.StatusServiceUnavailable, format, args...)
	p.RetryAfter = "2"
	return p
}

// body is what a node may say.
type body struct {
	ID          *string `json:"id"`
	ActualState *struct {
		Token *string `json:"bss_token"`
	} `json:"actual_state"`
}

// readReport is the referral token of a report by a node. What it booted is known by
// that: a node does not say so otherwise, and writes nothing else.
func readReport(w http.ResponseWriter, r *http.Request, id string) (string, *edge.Problem) {
	var b body
	err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxBody), &b, json.RejectUnknownMembers(true))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", edge.Problemf(http.StatusRequestEntityTooLarge, "the body has more than %d bytes; a report has a token", maxBody)
	case errors.Is(err, json.ErrUnknownName):
		return "", edge.Problemf(http.StatusForbidden, "a node may write its actual_state.bss_token and nothing else; all else is for the address of the API")
	case err != nil:
		return "", edge.Problemf(http.StatusBadRequest, `the body is not what is expected, {"id": %q, "actual_state": {"bss_token": "..."}}`, id)
	case b.ID != nil && bos.CanonicalXname(*b.ID) != id:
		return "", edge.Problemf(http.StatusBadRequest, "id: %.100q is not the component of the path, %q; leave it out or make it the same", *b.ID, id)
	case b.ActualState == nil || b.ActualState.Token == nil || *b.ActualState.Token == "":
		return "", edge.Problemf(http.StatusBadRequest, "actual_state.bss_token is missing; it is bss_referral_token= on the kernel's command line")
	}
	return *b.ActualState.Token, nil
}

// nodeTokenLength tells a node token from one of a gateway.
var nodeTokenLength = len(bos.NodeToken(nil, "", ""))

// tokenOf is the node token of a request, empty for none.
func tokenOf(r *http.Request) string {
	if token := r.Header.Get(NodeTokenHeader); token != "" {
		return token
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && len(bearer) == nodeTokenLength {
		return bearer
	}
	return ""
}

// prove is why a request is not of the node id, nil if it is: by its token, or where it
// need not have one by its address.
func (s *Reports) prove(r *http.Request, id, referral, token string) *edge.Problem {
	switch {
	case s.NodeKey == nil:
	case token != "":
		key, err := s.NodeKey(r.Context())
		if err != nil {
			s.Log.Error("the key of node tokens cannot be read; no report is taken", "error", err)
			return busy("tokens of nodes cannot be checked now; see the log of the service if it stays so")
		}
		if bos.CheckNodeToken(key, id, referral, token) {
			return nil
		}
		return edge.Problemf(http.StatusForbidden, "the token is not that of %q for what it says it booted; a node has it from its boot script, as bos_node_token= on the kernel's command line, until its next boot", id)
	case s.Required:
		return edge.Problemf(http.StatusUnauthorized, "%q has to prove that it is this node: send bos_node_token= of the kernel's command line as bearer token; a node that has none was booted before report.node_tokens was set", id)
	}
	return s.judge(r, id)
}

// judge goes by the address that a request comes from.
func (s *Reports) judge(r *http.Request, id string) *edge.Problem {
	if s.AnySource {
		return nil
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return edge.Problemf(http.StatusForbidden, "it cannot be told who asks")
	}
	switch s.Names.Judge(r.Context(), from.Addr(), id) {
	case nodenames.MayBe:
		return nil
	case nodenames.Unknown:
		return busy("the inventory, which knows the addresses of nodes, cannot be read now")
	case nodenames.Other:
	}
	return edge.Problemf(http.StatusForbidden, "the inventory knows %q by other addresses than %s, or that address as another node's; correct it there, set report.node_tokens, or report.any_source if nodes come through a proxy", id, from.Addr())
}

// tell has in the log who could not prove what it is, in bounds.
func (s *Reports) tell(w http.ResponseWriter, r *http.Request, id string, p *edge.Problem) {
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="node"`)
	}
	if p.Status < http.StatusInternalServerError && s.told.Allow() {
		s.Log.Warn("a report was refused", "node", id, "from", r.RemoteAddr, "cause", p.Detail)
	}
}

// report passes a report on, and answers with no more than it.
func (s *Reports) report(w http.ResponseWriter, r *http.Request, id, token string) {
	state := map[string]any{"bss_token": token}
	s.pass(w, r, http.MethodPatch, components+url.PathEscape(id), map[string]any{"actual_state": state}, map[string]any{"id": id, "actual_state": state})
}

// pass has the API answer a request that is made of one of a node. What it says of the
// node beyond done is not for its network.
func (s *Reports) pass(w http.ResponseWriter, r *http.Request, method, path string, send, done any) {
	text, err := json.Marshal(send)
	if err != nil {
		edge.Problemf(http.StatusBadRequest, "the report cannot be written as JSON").Write(w)
		return
	}
	inner := r.Clone(r.Context())
	inner.Method, inner.Header = method, http.Header{"Content-Type": {"application/json"}}
	inner.URL = &url.URL{Path: path}
	if plain, err := url.PathUnescape(path); err == nil && plain != path {
		inner.URL.Path, inner.URL.RawPath = plain, path
	}
	inner.Body, inner.ContentLength, inner.TransferEncoding = io.NopCloser(bytes.NewReader(text)), int64(len(text)), nil
	said := &answer{header: make(http.Header), status: http.StatusOK}
	s.API.ServeHTTP(said, inner)
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if value := said.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(said.status)
	if said.status >= http.StatusMultipleChoices {
		_, _ = w.Write(said.body.Bytes()) // the node is gone if this fails
		return
	}
	_ = json.MarshalWrite(w, done) // the same
}

// answer is what the API says.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is that of the answer.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader keeps the status.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write keeps the body.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
