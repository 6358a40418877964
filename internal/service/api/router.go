package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// handler answers a request, or returns why it cannot; nothing has been
// written in that case.
type handler func(http.ResponseWriter, *http.Request) error

// basePath is where CSM serves the API; it is served at the root as well.
const basePath = "/apis/bos"

type baseKey struct{}

// baseOf is the part of the path in front of the API, for links.
func baseOf(r *http.Request) string {
	base, _ := r.Context().Value(baseKey{}).(string)
	return base
}

// router makes one handler of the routes. Whatever goes wrong is answered as a
// problem, also what net/http would answer as text.
func (s *server) router(routes map[string]methods) http.Handler {
	mux := http.NewServeMux()
	for pattern, m := range routes {
		mux.Handle(pattern, s.dispatch(pattern, m))
	}
	mux.Handle("/", s.wrap(known(noRoute)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = stripBase(r)
		if clean := path.Clean(r.URL.Path); r.URL.Path != clean {
			s.wrap(known(elsewhere(clean))).ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func stripBase(r *http.Request) *http.Request {
	rest, ok := strings.CutPrefix(r.URL.Path, basePath)
	if !ok || rest != "" && rest[0] != '/' {
		return r
	}
	stripped := r.WithContext(context.WithValue(r.Context(), baseKey{}, basePath))
	u := *r.URL
	u.Path = rest
	u.RawPath = strings.TrimPrefix(u.RawPath, basePath)
	if u.Path == "" {
		u.Path = "/"
	}
	stripped.URL = &u
	return stripped
}

// elsewhere sends a client to the clean form of its path, with method and body,
// where the path has empty or relative segments. A slash at its end is none of
// these: nothing is served there.
func elsewhere(clean string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/") {
			return noRoute(w, r)
		}
		to := url.URL{Path: baseOf(r) + clean, RawQuery: r.URL.RawQuery}
		w.Header().Set("Location", to.String())
		w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
}

// known keeps from who is nobody even what there is not.
func known(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := access.Of(r.Context()).May(access.Know); err != nil {
			return err
		}
		return h(w, r)
	}
}

func noRoute(_ http.ResponseWriter, r *http.Request) error {
	return notFound("There is nothing at %q; see GET %s/ for the versions of this API", clip(r.URL.Path), baseOf(r))
}

// dispatch picks the handler by method; HEAD is answered as GET, and OPTIONS with
// the methods that there are.
func (s *server) dispatch(pattern string, m methods) http.Handler {
	allow := append(slices.Collect(maps.Keys(m)), http.MethodOptions)
	if _, ok := m[http.MethodGet]; ok {
		allow = append(allow, http.MethodHead)
	}
	slices.Sort(allow)
	allowed := strings.Join(allow, ", ")
	return s.wrap(func(w http.ResponseWriter, r *http.Request) error {
		edge.TraceOf(r.Context()).Routed(pattern)
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		found, ok := m[method]
		if !ok {
			return known(otherMethod(allowed))(w, r)
		}
		// The permission is that of the route which matched, whatever the path
		// looked like.
		if err := access.Of(r.Context()).May(found.needs); err != nil {
			return err
		}
		w, r, done := bounded(w, access.Asking(r, found.needs))
		defer done()
		err := found.answer(w, r)
		if err != nil && tookTooLong(r) {
			return unanswered(r)
		}
		return err
	})
}

// otherMethod answers OPTIONS with the methods that there are, and refuses others.
func otherMethod(allowed string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", allowed)
		if r.Method != http.MethodOptions {
			return problemf(http.StatusMethodNotAllowed, "Method Not Allowed", "%s is not allowed here; use one of %s", r.Method, allowed)
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}
}

// wrap answers errors and panics as problems.
func (s *server) wrap(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler:
				panic(cause)
			default:
				s.Log.Error("a request crashed", "method", r.Method, "path", r.URL.Path, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				s.fail(w, r, problemf(http.StatusInternalServerError, titleInternal,
					"the service failed at this request; its log has the cause"))
			}
		}()
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// clip shortens a value that goes into an error text.
func clip(s string) string {
	const most = 128
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
