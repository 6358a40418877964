// Package bootscript is the boot script service that BOS brings along for
// sites without BSS: it keeps what nodes boot in the service's own store, takes
// BSS' requests for boot parameters, and hands out iPXE scripts. What a node is
// to boot is decided elsewhere, and the files themselves come from the image
// store.
package bootscript

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/refusals"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
)

// Prefixes are the paths in front of /bootparameters and /bootscript: BSS' own,
// and the one CSM's gateway has it under.
var Prefixes = []string{"/boot/v1", "/apis/bss/boot/v1"}

const (
	askAgain  = 10 * time.Second
	loadAgain = 30 * time.Second
)

// Config is what an endpoint works with. Only Store must be given.
type Config struct {
	Store bos.HostBoots
	// Names knows nodes by NID, MAC and IP address; without it nodes are
	// found by xname, and by MAC where one was written.
	Names *nodenames.Names
	// Link turns an s3:// path into a URL that a node without keys can
	// read. Without it such paths are handed out as they are, which iPXE
	// cannot load.
	Link func(ctx context.Context, path string) (string, error)
	// URL is the prefix before /bootscript under which nodes reach this
	// endpoint, for the line in which a script asks again. Empty is where
	// the request came to.
	URL string
	// NoBootIF leaves out which interface a node asked over (BOOTIF=), by which
	// an initrd knows the one to use.
	NoBootIF bool
	// ReportURL is where nodes report what they booted, for the word bos_api= of a
	// script; empty is where the request came to. Reports says that they can, there.
	Reports   bool
	ReportURL string
	// NodeToken makes what a node proves with who it is and what it was given
	// (bos.NodeToken), for its script; nil hands nothing out.
	NodeToken func(ctx context.Context, xname, referral string) (string, error)
	// AnySource hands a node's script to whoever asks for it, also where
	// Names knows which addresses the node asks from.
	AnySource bool
	// AskAgain is how long a node with nothing to boot waits before it asks
	// again, LoadAgain one that could not load its files, in whole seconds; 0
	// is 10 s and 30 s.
	AskAgain, LoadAgain time.Duration
	// Fetched is told of each script that was given out to boot with; it may be nil.
	Fetched func(bos.ScriptFetch)
	// Refusals has in the history who was refused a write; nil does not.
	Refusals *refusals.Book
	Now      func() time.Time
	Log      *slog.Logger
}

// Endpoint is a boot script service. It is safe for concurrent use.
type Endpoint struct {
	config Config
	names  *nodenames.Names
	token  func() string
	warned once
	// nowhere are the addresses that asked for no node.
	nowhere nowhere
}

var _ bos.BootParameters = (*Endpoint)(nil)

// New makes an endpoint.
func New(c Config) *Endpoint {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Names == nil {
		c.Names = nodenames.New(nil, c.Now, c.Log)
	}
	c.URL = strings.TrimRight(c.URL, "/")
	c.AskAgain, c.LoadAgain = cmp.Or(c.AskAgain, askAgain), cmp.Or(c.LoadAgain, loadAgain)
	return &Endpoint{config: c, names: c.Names, token: uuid.NewString}
}

// Write stores the artifacts for all ids under a fresh token, which is known to
// the store when Write returns. No ids is no write. The error is a
// *bos.CallError: refused if a boot script cannot carry the artifacts.
func (e *Endpoint) Write(ctx context.Context, ids []string, a bos.BootArtifacts) (string, error) {
	if len(ids) == 0 {
		return "", nil
	}
	hosts := make([]string, len(ids))
	for i, id := range ids {
		hosts[i] = bos.CanonicalXname(id)
	}
	if err := e.checkArtifacts(ctx, hosts, a); err != nil {
		return "", &bos.CallError{Outcome: bos.CallRefused, Cause: bos.CauseBootParameters, Detail: err.Error()}
	}
	if !bos.MayAct(ctx, ids...) {
		return "", &bos.CallError{Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted}
	}
	token := e.token()
	if err := e.config.Store.PutHostBoots(ctx, hosts, a, token); err != nil {
		return "", &bos.CallError{
			Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage,
			Detail: "the boot parameters could not be stored in the service's own database: " + err.Error(),
		}
	}
	return token, nil
}

// Scripts serves boot scripts and nothing else: what a network of nodes may
// reach.
func (e *Endpoint) Scripts() http.Handler {
	return e.serve(map[string]methods{"/bootscript": {http.MethodGet: {e.script, access.Public}}}, access.Public)
}

// Handler serves boot scripts and boot parameters, which is for those who may
// use the API of BOS.
func (e *Endpoint) Handler() http.Handler {
	return e.serve(map[string]methods{
		"/bootscript": {http.MethodGet: {ofNobody(e.script), access.ReadBootParameters}},
		"/bootparameters": {
			http.MethodGet: {ofNobody(e.list), access.ReadBootParameters}, http.MethodPut: {ofNobody(e.put), access.WriteBootParameters},
			http.MethodPost: {ofNobody(e.post), access.WriteBootParameters}, http.MethodPatch: {ofNobody(e.patch), access.WriteBootParameters},
			http.MethodDelete: {ofNobody(e.remove), access.WriteBootParameters},
		},
		"/service/status": {http.MethodGet: {status, access.Know}},
	}, access.Know)
}

// ofNobody refuses tenants: what hosts boot is the site's, and no host here is
// known to be a tenant's. A second header counts as the first.
func ofNobody(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if tenant := strings.Join(r.Header.Values(edge.TenantHeader), ","); tenant != "" {
			return refusef(http.StatusForbidden,
				"boot parameters are of the whole site, so tenant %q may neither read nor change them; leave out the header %s, or create a session", clip(tenant), edge.TenantHeader)
		}
		return h(w, r)
	}
}

// route is what answers a method, or returns why it cannot, and the permission that
// it takes.
type route struct {
	answer func(http.ResponseWriter, *http.Request) error
	needs  access.Permission
}

// methods are the routes of one path.
type methods map[string]route

// serve answers the routes; other is the permission to be told that there is none.
func (e *Endpoint) serve(routes map[string]methods, other access.Permission) http.Handler {
	return e.answering(func(w http.ResponseWriter, r *http.Request) error {
		for _, prefix := range Prefixes {
			rest, ok := strings.CutPrefix(r.URL.Path, prefix)
			if m := routes[rest]; ok && m != nil {
				return m.handle(w, r, other)
			}
		}
		if err := access.Of(r.Context()).May(other); err != nil {
			return err
		}
		return refusef(http.StatusNotFound, "there is nothing at %q; boot scripts are at GET %s/bootscript?name=XNAME", clip(r.URL.Path), Prefixes[0])
	})
}

func (m methods) handle(w http.ResponseWriter, r *http.Request, other access.Permission) error {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	found, ok := m[method]
	if err := access.Of(r.Context()).May(cmp.Or(found.needs, other)); err != nil {
		return err
	}
	if ok {
		return found.answer(w, r)
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(m)), ", ")
	w.Header().Set("Allow", allowed)
	return refusef(http.StatusMethodNotAllowed, "%s is not allowed here; use one of %s", clip(r.Method), allowed)
}

func status(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]string{"bss-status": "running"})
}

// answering answers what a handler returns as a problem.
func (e *Endpoint) answering(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		var refused *refusal
		var denied *access.Refused
		switch {
		case err == nil:
			return
		case errors.As(err, &denied):
			e.config.Refusals.Take(r, denied.Status, denied.Detail)
			denied.Write(w)
			return
		case errors.As(err, &refused):
		default:
			e.config.Log.Error("the database failed a request for boot parameters", "method", r.Method, "error", err)
			refused = &refusal{http.StatusServiceUnavailable, "the database cannot be used now; try again, and see the log of the service if it stays so"}
		}
		e.config.Refusals.Take(r, refused.status, refused.detail)
		refused.write(w)
	})
}
