package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Load bounds what requests hold at the same time, so that those of some do not take
// the memory, or the turn, of the work on nodes. What comes beyond waits for a moment
// and is then told to come again. The zero value has the bounds of a service.
type Load struct {
	// Requests are answered at the same time, and so many of one address; others
	// wait. Loopback addresses, behind which a proxy may stand for everybody, count in
	// all only.
	Requests, PerAddress int
	// Held is how many bytes of bodies and of long headers are in memory.
	Held int64
	// Wait is how long a request waits for its turn.
	Wait time.Duration
	// Pace is how slowly a body may come and an answer may be taken.
	Pace Pace
	// Idle is how long a request waits for its client until another has its turn, and
	// Slow how many do so at the same time, half of them of one address; more are ended.
	Idle time.Duration
	Slow int
}

// Pace is the least that a client does: after Grace, so many bytes in each second.
// An answer is taken in pieces, each of which has the time of Grace.
type Pace struct {
	Grace     time.Duration
	PerSecond int64
}

const (
	defaultRequests   = 1024
	defaultPerAddress = 512
	defaultHeld       = 160 << 20
	defaultWait       = 5 * time.Second
	defaultGrace      = 30 * time.Second
	defaultPerSecond  = 16 << 10
	defaultIdle       = time.Second
	defaultSlow       = 256
	// freeHeader is what headers have without being counted.
	freeHeader = 16 << 10
	// piece is what is written of an answer at a time.
	piece = 64 << 10
	// forReading is the part of the turns, one of so many, that requests leave which change
	// something: while writes wait for a database that has much to do, it is still answered
	// how the service is and how far the nodes are.
	forReading = 8
)

// errMuch is a body that does not fit beside those of others now.
var errMuch = errors.New("the service has as much in memory of the requests of others as it takes")

// Overload is the answer to a request whose body could not be read as this service has
// too much to do; nil if that is not what err says.
func Overload(err error) *Problem {
	if !errors.Is(err, errMuch) {
		return nil
	}
	return overload("%v", errMuch)
}

func overload(format string, args ...any) *Problem {
	p := Problemf(http.StatusServiceUnavailable, "%s; nothing was done, try again in a moment", fmt.Sprintf(format, args...))
	p.RetryAfter = "2"
	return p
}

// Handler passes to next what there is room for.
func (l Load) Handler(next http.Handler) http.Handler {
	l.Requests = orElse(l.Requests, defaultRequests)
	l.PerAddress = orElse(l.PerAddress, defaultPerAddress)
	l.Held = orElse(l.Held, defaultHeld)
	l.Wait = orElse(l.Wait, defaultWait)
	l.Pace.Grace = orElse(l.Pace.Grace, defaultGrace)
	l.Pace.PerSecond = orElse(l.Pace.PerSecond, defaultPerSecond)
	l.Idle = orElse(l.Idle, defaultIdle)
	l.Slow = orElse(l.Slow, defaultSlow)
	return &load{
		Load: l, next: next, turns: make(chan struct{}, l.Requests), slow: make(chan struct{}, l.Slow),
		writes: make(chan struct{}, l.Requests-l.Requests/forReading),
		shares: Shares[netip.Addr]{Most: l.PerAddress}, slowOf: Shares[netip.Addr]{Most: (l.Slow + 1) / 2}, held: budget{most: l.Held},
	}
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

type load struct {
	Load
	next   http.Handler
	turns  chan struct{}
	writes chan struct{}
	slow   chan struct{}
	shares Shares[netip.Addr]
	slowOf Shares[netip.Addr]
	held   budget
}

// ServeHTTP has a request wait for its turn.
func (l *load) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := connOf(r.Context())
	conn.taken()
	answer := &paced{ResponseWriter: w, control: http.NewResponseController(w), pace: l.Pace}
	defer answer.extend() // for what is still in the buffers of the server
	body := l.bodyOf(r, answer.control, conn)
	answer.body = body
	defer body.end()
	defer body.drain(r, answer.control)
	if !body.hold(headerSize(r) - freeHeader) {
		overload("%v", errMuch).Write(answer)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), l.Wait)
	leave, ok := l.enter(ctx, r)
	cancel()
	if !ok {
		overload("the service answers as many requests as it does at the same time").Write(answer)
		return
	}
	mine := &turn{load: l, ctx: r.Context(), from: addressIn(r.RemoteAddr), writes: changes(r)}
	answer.turn, body.turn = mine, mine
	defer func() { mine.end(); leave() }()
	l.next.ServeHTTP(answer, r)
}

// enter waits for the turn of a request. leave gives back what is left beside it.
func (l *load) enter(ctx context.Context, r *http.Request) (leave func(), ok bool) {
	leave, ok = share(&l.shares, addressIn(r.RemoteAddr))
	if !ok {
		return nil, false
	}
	if !l.take(ctx, changes(r)) {
		leave()
		return nil, false
	}
	return leave, true
}

// changes reports whether a request may change something.
func changes(r *http.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

// share takes one of the share of an address, which loopback and sockets need not.
func share(of *Shares[netip.Addr], from netip.Addr) (leave func(), ok bool) {
	if !from.IsValid() || from.IsLoopback() {
		return func() {}, true
	}
	return of.Take(from)
}

// take waits for a turn until the context ends, give gives it back.
func (l *load) take(ctx context.Context, writes bool) bool {
	if writes && !entered(ctx, l.writes) {
		return false
	}
	if !entered(ctx, l.turns) {
		if writes {
			<-l.writes
		}
		return false
	}
	return true
}

func (l *load) give(writes bool) {
	<-l.turns
	if writes {
		<-l.writes
	}
}

// entered waits for one of so many places.
func entered(ctx context.Context, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
	}
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func addressIn(hostport string) netip.Addr {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return netip.Addr{} // a socket of this machine
	}
	a, _ := netip.ParseAddr(host) // the zero address counts in all only
	return a.Unmap()
}

// headerSize is about what a request has in memory before its body.
func headerSize(r *http.Request) int64 {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(value)
		}
	}
	return int64(n)
}

// budget counts bytes that are in memory.
type budget struct {
	most int64
	mu   sync.Mutex
	held int64
}

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+n > b.most {
		return false
	}
	b.held += n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
}

// bodyOf puts a body under the bounds. The first time that it has begins here, also
// where nobody reads it: the server reads on at the end.
func (l *load) bodyOf(r *http.Request, control *http.ResponseController, conn *counted) *pacedBody {
	b := &pacedBody{ReadCloser: r.Body, control: control, conn: conn, pace: l.Pace, budget: &l.held, began: time.Now()}
	if r.Body != nil && r.Body != http.NoBody {
		b.extend()
		r.Body = b
	}
	return b
}

// pacedBody is a body that comes at the pace of others, and that is counted.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	conn    *counted
	pace    Pace
	budget  *budget
	turn    *turn
	began   time.Time
	latest  time.Time // as a handler has it; zero for none

	mu   sync.Mutex // a handler may end while another goroutine still reads
	read int64
	held int64
}

// Read fails with errMuch where there is no room for more.
func (b *pacedBody) Read(p []byte) (int, error) {
	b.extend()
	n, err := b.turn.aside(func() (int, error) { return b.ReadCloser.Read(p) }, b.control.SetReadDeadline)
	b.conn.taken()
	b.read += int64(n)
	if !b.hold(int64(n)) {
		return 0, errMuch
	}
	if errors.Is(err, io.EOF) {
		// A read of the server itself, by which it sees that a client left, has no end. Where
		// the body has not ended, the server reads the rest of it, and that ends.
		_ = b.control.SetReadDeadline(time.Time{}) // a writer without deadlines, as in a test, is never slow
	}
	return n, err
}

// extend gives a body time for what has come of it.
func (b *pacedBody) extend() {
	until := b.began.Add(b.pace.Grace + time.Duration(b.read/b.pace.PerSecond)*time.Second)
	if !b.latest.IsZero() && b.latest.Before(until) {
		until = b.latest
	}
	_ = b.control.SetReadDeadline(until) // as in Read
}

// maxDrained bounds what is read of a body that nobody wanted.
const maxDrained = 1 << 20

// drain reads on where a body was not read to its end and the connection is closed after
// the answer, as a proxy asks for with HTTP/1.0: what has come and is not read resets the
// connection, and the client loses the answer. Where it is kept, the server itself reads on.
func (b *pacedBody) drain(r *http.Request, control *http.ResponseController) {
	if !r.Close || r.Body == nil || r.Body == http.NoBody {
		return
	}
	_ = control.Flush()                                   // the answer may be what the client waits for before it sends more
	_, _ = io.CopyN(io.Discard, b.ReadCloser, maxDrained) // it ends in time by the deadline that the body has
}

func (b *pacedBody) hold(n int64) bool {
	if n <= 0 {
		return true
	}
	if !b.budget.take(n) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held += n
	return true
}

func (b *pacedBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.budget.give(b.held)
	b.held = 0
}

// paced is an answer whose client takes it.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
	pace    Pace
	body    *pacedBody
	turn    *turn
}

// SetReadDeadline is a handler's own bound of a body, which may be shorter.
func (p *paced) SetReadDeadline(t time.Time) error {
	p.body.latest = t
	return p.control.SetReadDeadline(t)
}

// Unwrap is for http.ResponseController.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *paced) extend() {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.pace.Grace)) // a writer without deadlines is never slow
}

// WriteHeader begins the time of the first piece.
func (p *paced) WriteHeader(status int) {
	p.extend()
	p.ResponseWriter.WriteHeader(status)
}

// Write writes piece after piece, so that a long answer has the time that it takes.
func (p *paced) Write(b []byte) (written int, err error) {
	for {
		p.extend()
		n, err := p.turn.aside(func() (int, error) { return p.ResponseWriter.Write(b[:min(len(b), piece)]) }, p.control.SetWriteDeadline)
		written += n
		if b = b[n:]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// Shares bounds what each of many has at the same time. Who has nothing costs nothing.
type Shares[K comparable] struct {
	Most int

	mu sync.Mutex
	of map[K]int
}

// Take is one more for key, until leave; not ok if it has its share already.
func (s *Shares[K]) Take(key K) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = make(map[K]int)
	}
	if s.of[key] >= s.Most {
		return nil, false
	}
	s.of[key]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.of[key]--; s.of[key] == 0 {
			delete(s.of, key)
		}
	}), true
}
