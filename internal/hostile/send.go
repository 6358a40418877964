package hostile

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// patience is how long an answer may take; a connection that is silent for longer hangs.
	patience = 30 * time.Second
	// moment is how long one who sent half a request waits.
	moment = 50 * time.Millisecond
	// maxAnswers bounds what is read of one pipeline.
	maxAnswers = 100
)

// Result is what became of requests.
type Result struct {
	mu sync.Mutex
	// Sent counts requests, Statuses the answers by their status.
	Sent     int
	Statuses map[int]int
	// Wrong says what must not be, at most some of it.
	Wrong []string
}

func (r *Result) wrong(format string, args ...any) {
	const most = 20
	if len(r.Wrong) < most {
		r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
	}
}

func (r *Result) take(q Request, status int, retry string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Statuses[status]++
	switch {
	case status == http.StatusServiceUnavailable && retry != "":
	case status == http.StatusHTTPVersionNotSupported && (q.Kind == "version" || q.Kind == "noise"),
		status == http.StatusNotImplemented && q.Kind == "chunks": // what the protocol says of versions and encodings that there are not
	case status >= http.StatusInternalServerError:
		r.wrong("%s was answered with %d: %.300q", q.Kind, status, q.Raw)
	case q.Write && status >= http.StatusOK && status < http.StatusMultipleChoices:
		r.wrong("%s was taken, with %d: %.300q", q.Kind, status, q.Raw)
	}
}

func (r *Result) hung(q Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong("%s was not answered within %s: %.300q", q.Kind, patience, q.Raw)
}

// Target is what requests are sent to.
type Target struct {
	Address string
	// TLS is nil for none.
	TLS *tls.Config
}

func (t Target) dial(ctx context.Context) (net.Conn, error) {
	if t.TLS == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", t.Address)
	}
	d := tls.Dialer{Config: t.TLS}
	return d.DialContext(ctx, "tcp", t.Address)
}

// Send sends so many requests, of so many senders at the same time. It is an error
// where the service cannot be reached.
func Send(ctx context.Context, to Target, from *Source, count, senders int) (*Result, error) {
	result := &Result{Statuses: make(map[int]int)}
	queue := make(chan Request, senders)
	failed := make(chan error, senders)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for q := range queue {
				if err := one(ctx, to, q, result); err != nil {
					failed <- fmt.Errorf("%s: %w", q.Kind, err)
					stop()
					return
				}
			}
		})
	}
	for range count {
		q := from.Next()
		select {
		case queue <- q:
			result.Sent++
		case <-ctx.Done():
		}
	}
	close(queue)
	group.Wait()
	select {
	case err := <-failed:
		return result, err
	default:
		return result, ctx.Err()
	}
}

func one(ctx context.Context, to Target, q Request, result *Result) error {
	conn, err := to.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to say
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	// The service may answer and close before it has read all.
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = conn.Write(q.Raw)
	}()
	defer func() { _, _ = conn.Close(), <-sent }()
	switch q.Ending {
	case Leave:
		<-sent
		return nil
	case Trail:
		<-sent
		if err := conn.SetReadDeadline(time.Now().Add(moment)); err != nil {
			return err
		}
	case Wait:
	}
	answers(conn, q, result)
	return nil
}

// answers reads what comes until the connection ends.
func answers(conn net.Conn, q Request, result *Result) {
	in := bufio.NewReader(conn)
	for range maxAnswers {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			var slow net.Error
			if q.Ending == Wait && errors.As(err, &slow) && slow.Timeout() {
				result.hung(q)
			}
			return
		}
		result.take(q, answer.StatusCode, answer.Header.Get("Retry-After"))
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.Close {
			return
		}
	}
}
