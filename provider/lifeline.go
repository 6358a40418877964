package provider

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

// How long the provider's process lives without Terraform. Terraform connects as
// soon as it has started the process, keeps the connection as long as it wants
// anything, and asks the process to end before it closes it: one that is closed
// without that belongs to a Terraform that was killed.
const (
	firstConnection = 2 * time.Minute
	reconnection    = 5 * time.Second
	lastCalls       = 10 * time.Second
)

// lifeline says when Terraform is gone, by its connections. Terraform passes the
// signals that it gets on in its own way, by ending calls, while a terminal or a
// CI system sends them to the provider as well: as long as Terraform lives they
// mean nothing here.
type lifeline struct {
	mu        sync.Mutex
	open      int
	connected bool
	told      bool
	alarm     *time.Timer
	ended     chan struct{}
	end       func()
}

func newLifeline() *lifeline {
	l := &lifeline{ended: make(chan struct{})}
	l.end = sync.OnceFunc(func() { close(l.ended) })
	l.alarm = time.AfterFunc(firstConnection, l.end)
	return l
}

// gone is closed when Terraform is.
func (l *lifeline) gone() <-chan struct{} { return l.ended }

// signal notes that the process was told to end.
func (l *lifeline) signal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = true
	switch {
	case l.open > 0:
	case l.connected:
		l.end()
	default: // Terraform may be about to connect
		l.alarm.Reset(reconnection)
	}
}

// HandleConn counts the connections.
func (l *lifeline) HandleConn(_ context.Context, s stats.ConnStats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s.(type) {
	case *stats.ConnBegin:
		l.open++
		l.connected = true
		l.alarm.Stop()
	case *stats.ConnEnd:
		l.open--
		switch {
		case l.open > 0:
		case l.told:
			l.end()
		default:
			l.alarm.Reset(reconnection)
		}
	}
}

// TagConn adds nothing.
func (*lifeline) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// TagRPC adds nothing.
func (*lifeline) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing: a call needs a connection.
func (*lifeline) HandleRPC(context.Context, stats.RPCStats) {}
