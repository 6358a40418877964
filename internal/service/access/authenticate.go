package access

import (
	"cmp"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/expirable"
	"golang.org/x/time/rate"

	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// Mode says what becomes of requests by those who may not make them.
type Mode string

// The modes. The zero value is Enforce.
const (
	// Enforce refuses them.
	Enforce Mode = "enforce"
	// Shadow lets them pass and logs them, for a site that is about to enforce.
	Shadow Mode = "shadow"
	// Off asks nobody for a proof.
	Off Mode = "off"
)

// Modes are the modes by name.
var Modes = []Mode{Enforce, Shadow, Off}

// ErrUnknown is a proof that a source does not know: another one may.
var ErrUnknown = errors.New("no source knows it")

// Bearers knows who has a bearer token. The error is ErrUnknown if it is none of
// its own, else why it is none that is good now; it never repeats the token.
type Bearers interface {
	Bearer(r *http.Request, token string) (Identity, error)
}

// Connections knows who is at the other end of a connection: by the certificate of
// the client, or by the kernel. ErrUnknown if it does not.
type Connections interface {
	Connection(r *http.Request) (Identity, error)
}

// Authenticator finds out who sends each request. What they may do is asked where
// it is known what they want: Caller.May.
type Authenticator struct {
	Mode        Mode
	Bearers     []Bearers
	Connections []Connections
	// Log takes why a proof was refused, which the answer does not say; nil
	// discards it.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const (
	// realm names what the tokens are for.
	realm = `Bearer realm="bos"`
	// wayIn is what a client can do about a 401.
	wayIn = "send Authorization: Bearer and a token; on its own machine this service leaves one in a file that its commands and the Terraform provider find by themselves, and which terraform-provider-bos token local prints"
	// A client with wrong proofs gets this many answers that say so, and one more a
	// second; right ones always pass.
	wrongAtOnce = 20
	// addresses and remembered bound whose wrong proofs are counted.
	addresses  = 4096
	remembered = 10 * time.Minute
	// maxToken bounds a token. Those with many roles in them have some 8 KiB.
	maxToken = 32 << 10
)

// Handler passes each request to next with its Caller. A proof that is wrong is a
// 401 at once; none at all is left to what the request wants.
func (a Authenticator) Handler(next http.Handler) http.Handler {
	if a.Mode == Off {
		return Open(next)
	}
	if a.Log == nil {
		a.Log = slog.New(slog.DiscardHandler)
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	f := &front{
		Authenticator: a, next: next, told: rate.NewLimiter(rate.Every(time.Second), wrongAtOnce),
		wrong: lru.NewLRU[netip.Addr, *rate.Limiter](addresses, nil, remembered),
	}
	return f
}

type front struct {
	Authenticator
	next  http.Handler
	told  *rate.Limiter
	wrong *lru.LRU[netip.Addr, *rate.Limiter]
}

// ServeHTTP finds out who asks.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	identity, err := f.identify(r)
	if err != nil {
		f.tell("a proof of who asks was refused", r, "cause", err)
		if f.Mode != Shadow {
			f.refuse(w, r)
			return
		}
		identity = Identity{}
	}
	if identity.Proof != ProofNone {
		edge.TraceOf(r.Context()).Asked(identity.Name())
	}
	caller := Caller{Identity: identity, still: func() bool {
		now, err := f.identify(r)
		return err == nil && reflect.DeepEqual(now, identity)
	}}
	if f.Mode == Shadow {
		caller.still = nil
		caller.watched = func(p *edge.Problem) {
			f.tell("a request would be refused; auth.mode is shadow, so it passes", r, "status", p.Status, "cause", p.Detail)
		}
	}
	f.next.ServeHTTP(w, r.WithContext(With(r.Context(), caller)))
}

// identify is who sent a request, by a proof that is good now; nobody, if it has none.
func (f *front) identify(r *http.Request) (Identity, error) {
	identity, err := f.find(r)
	if err == nil && !identity.Expires.IsZero() && !f.Now().Before(identity.Expires) {
		err = errors.New("it has expired at " + identity.Expires.UTC().Format(time.RFC3339))
	}
	return identity, err
}

func (f *front) find(r *http.Request) (Identity, error) {
	token, err := bearer(r.Header)
	if err != nil {
		return Identity{}, err
	}
	if token != "" {
		return first(f.Bearers, func(b Bearers) (Identity, error) { return b.Bearer(r, token) })
	}
	identity, err := first(f.Connections, func(c Connections) (Identity, error) { return c.Connection(r) })
	if errors.Is(err, ErrUnknown) {
		return Identity{}, nil
	}
	return identity, err
}

// first asks one source after the other until one knows. One that is out of order
// does not stand in the way of another.
func first[S any](sources []S, ask func(S) (Identity, error)) (Identity, error) {
	var wrong error
	unknown := ErrUnknown
	for _, source := range sources {
		identity, err := ask(source)
		if err == nil {
			return identity, nil
		}
		switch {
		case !errors.Is(err, ErrUnknown):
			wrong = errors.Join(wrong, err)
		case err != ErrUnknown: //nolint:errorlint // one that says more
			unknown = err
		}
	}
	return Identity{}, cmp.Or(wrong, unknown)
}

// bearer is the token of a request, empty if it has none. Two are one too many:
// a proxy and this service might each believe another.
func bearer(header http.Header) (string, error) {
	values := header.Values("Authorization")
	if len(values) == 0 {
		return "", nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	switch token = strings.TrimSpace(token); {
	case len(values) > 1:
		return "", errors.New("there are several Authorization headers")
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return "", errors.New("its Authorization is no bearer token")
	case len(token) > maxToken:
		return "", errors.New("its token is longer than any")
	}
	return token, nil
}

// refuse answers a wrong proof, without a word of what is wrong with it.
func (f *front) refuse(w http.ResponseWriter, r *http.Request) {
	if !f.counted(r).AllowN(f.Now(), 1) {
		p := edge.Problemf(http.StatusTooManyRequests, "too many proofs from this address were wrong; correct the token, and try again in some seconds")
		p.RetryAfter = "2"
		p.Write(w)
		return
	}
	unproven("this is no token that is good here now, and the log of the service says why; " + wayIn).Write(w)
}

// counted is the limiter of the address that a request comes from.
func (f *front) counted(r *http.Request) *rate.Limiter {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	address, _ := netip.ParseAddr(host)
	limiter, ok := f.wrong.Get(address)
	if !ok {
		limiter = rate.NewLimiter(rate.Every(time.Second), wrongAtOnce)
		f.wrong.Add(address, limiter)
	}
	return limiter
}

func (f *front) tell(what string, r *http.Request, more ...any) {
	if f.told.AllowN(f.Now(), 1) {
		f.Log.Warn(what, append([]any{"method", r.Method, "path", clip(r.URL.Path), "from", cmp.Or(r.RemoteAddr, "a socket")}, more...)...)
	}
}

// unproven is the answer to who showed no proof, or a wrong one.
func unproven(detail string) *edge.Problem {
	p := edge.Problemf(http.StatusUnauthorized, "%s", detail)
	p.Challenge = realm
	return p
}
