package edge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func ask(t *testing.T, h http.Handler, from string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestARequestBeyondWhatIsAnsweredAtTheSameTimeWaitsAndIsThenToldToComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside, leave := make(chan struct{}), make(chan struct{})
		h := Load{Requests: 2, PerAddress: 1, Wait: time.Minute}.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			inside <- struct{}{}
			<-leave
		}))
		results := make(chan int, 3)
		send := func(from string) { go func() { results <- ask(t, h, from, nil).Code }() }
		send("10.0.0.1:1")
		<-inside
		// Its own share is used up: another one's is not.
		if w := ask(t, h, "10.0.0.1:2", nil); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("a second one of an address: %d %v", w.Code, w.Header())
		}
		send("10.0.0.2:1")
		<-inside
		before := time.Now()
		if w := ask(t, h, "10.0.0.3:1", nil); w.Code != http.StatusServiceUnavailable || time.Since(before) != time.Minute {
			t.Errorf("one too many: %d after %v", w.Code, time.Since(before))
		}
		// One that waits has the turn of one that ends, also one from behind a proxy.
		send("127.0.0.1:1")
		synctest.Wait()
		leave <- struct{}{}
		<-inside
		leave <- struct{}{}
		leave <- struct{}{}
		for range 3 {
			if code := <-results; code != http.StatusOK {
				t.Errorf("one of those with a turn: %d", code)
			}
		}
		if got := ask(t, Load{PerAddress: 1}.Handler(http.NotFoundHandler()), "10.0.0.1:1", nil).Code; got != http.StatusNotFound {
			t.Errorf("afterwards: %d", got)
		}
	})
}

// TestWritesThatWaitLeaveTurnsToWhoReads: a database that has much to do keeps writes, and
// who asks how the service is must not take that for the end of it.
func TestWritesThatWaitLeaveTurnsToWhoReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		h := Load{Requests: 8, Wait: time.Second}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				<-leave
			}
		}))
		codes := make(chan int, 8)
		for range 8 {
			go func() { codes <- ask(t, h, "10.0.0.1:1", nil).Code }()
		}
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Errorf("the write that is one too many was answered with %d", code)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		if w.Code != http.StatusOK {
			t.Errorf("who reads meanwhile was answered with %d", w.Code)
		}
		close(leave)
		for range 7 {
			if code := <-codes; code != http.StatusOK {
				t.Errorf("a write that had its turn was answered with %d", code)
			}
		}
	})
}

func TestBodiesOfAllTogetherAreBounded(t *testing.T) {
	read := make(chan error, 1)
	var first io.Reader
	h := Load{Held: 100}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if first != nil { // another comes while this one is in memory
			body := first
			first = nil
			inner := httptest.NewRequestWithContext(r.Context(), http.MethodPost, "/", body)
			r.Context().Value(handlerKey{}).(http.Handler).ServeHTTP(httptest.NewRecorder(), inner)
		}
		read <- err
	}))
	if ask(t, h, "10.0.0.1:1", strings.NewReader(strings.Repeat("x", 60))); <-read != nil {
		t.Error("a body within the bound was refused")
	}
	for range 3 { // what was read is given back
		ask(t, h, "10.0.0.1:1", strings.NewReader(strings.Repeat("x", 100)))
		if err := <-read; err != nil {
			t.Error(err)
		}
	}
	ask(t, h, "10.0.0.1:1", strings.NewReader(strings.Repeat("x", 101)))
	err := <-read
	if p := Overload(err); p == nil || p.Status != http.StatusServiceUnavailable || p.RetryAfter == "" {
		t.Errorf("a body that does not fit: %v", err)
	}
	if Overload(io.EOF) != nil || Overload(nil) != nil {
		t.Error("what is none is an overload")
	}
	read = make(chan error, 2)
	first = strings.NewReader(strings.Repeat("y", 60))
	r := httptest.NewRequestWithContext(context.WithValue(t.Context(), handlerKey{}, h), http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 60)))
	h.ServeHTTP(httptest.NewRecorder(), r)
	if inner, outer := <-read, <-read; Overload(inner) == nil || outer != nil {
		t.Errorf("two that do not fit beside each other: %v, %v", inner, outer)
	}
}

type handlerKey struct{}

func TestLongHeadersCountAmongWhatIsInMemory(t *testing.T) {
	h := Load{Held: 1000}.Handler(http.NotFoundHandler())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+strings.Repeat("a", freeHeader+2000), nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("headers beyond the bound: %d", w.Code)
	}
	if w := ask(t, h, "10.0.0.1:1", nil); w.Code != http.StatusNotFound {
		t.Errorf("short ones: %d", w.Code)
	}
}

// serveOn serves over pipes, under the clock of the test.
func serveOn(t *testing.T, h http.Handler) (dial func() net.Conn) {
	t.Helper()
	in := conns{make(chan net.Conn)}
	server := &http.Server{Handler: h, ConnContext: ConnContext, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(Bound(in, 0, 0)) }()
	t.Cleanup(func() {
		close(in.come)
		<-ended //nolint:errcheck // it was told to stop
		_ = server.Close()
	})
	return func() net.Conn {
		client, there := net.Pipe()
		in.come <- there
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func TestABodyThatTricklesIsCutOffAndOneThatComesIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := make(chan error, 1)
		dial := serveOn(t, Load{Pace: Pace{Grace: 30 * time.Second, PerSecond: 10}}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			read <- err
		})))
		slow := dial()
		send(t, slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
		began := time.Now()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range 1000 { // a byte each four seconds, until it is cut off
				if _, err := slow.Write([]byte("x")); err != nil {
					return
				}
				<-time.After(4 * time.Second)
			}
		}()
		var timeout net.Error
		if err := <-read; !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(began) > time.Minute {
			t.Errorf("one that trickles: %v after %v", err, time.Since(began))
		}
		if <-ended; time.Since(began) > time.Minute {
			t.Errorf("its connection was closed after %v", time.Since(began))
		}
		quick := dial()
		send(t, quick, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
		for range 10 { // takes longer than the grace, and has come by its pace
			send(t, quick, strings.Repeat("x", 100))
			<-time.After(9 * time.Second)
		}
		if err := <-read; err != nil {
			t.Errorf("one that comes: %v", err)
		}
	})
}

func TestAnAnswerThatNobodyTakesIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		written := make(chan error, 1)
		dial := serveOn(t, Load{Pace: Pace{Grace: 30 * time.Second}}.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(bytes.Repeat([]byte("x"), 10*piece))
			written <- err
		})))
		began := time.Now()
		idle := dial()
		send(t, idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if err := <-written; err == nil || time.Since(began) != 30*time.Second {
			t.Errorf("one that nobody takes: %v after %v", err, time.Since(began))
		}
		reader := dial()
		send(t, reader, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		took := make([]byte, piece/2)
		for range 20 { // takes three minutes in all
			<-time.After(9 * time.Second)
			if _, err := io.ReadFull(reader, took); err != nil {
				t.Fatal(err)
			}
		}
		rest := make(chan struct{})
		go func() {
			defer close(rest)
			_, _ = io.Copy(io.Discard, reader) // until it is closed
		}()
		if err := <-written; err != nil {
			t.Errorf("one that is taken slowly: %v", err)
		}
		_ = reader.Close()
		<-rest
	})
}

func TestHeadersThatNeverEndAreBoundedOverAllConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := conns{make(chan net.Conn)}
		l := Bound(in, 0, 0).(*bounded)
		l.unread.most = 1000
		accept := func() (client net.Conn, there *counted) {
			client, pipe := net.Pipe()
			go func() { in.come <- pipe }()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = client.Close(), c.Close() })
			return client, c.(*counted)
		}
		fill := func(n int) error {
			client, there := accept()
			go func() { _, _ = client.Write(make([]byte, n)) }()
			_, err := io.ReadFull(there, make([]byte, n))
			return err
		}
		first, there := accept()
		go func() { _, _ = first.Write(make([]byte, freeHeader+900)) }()
		if _, err := io.ReadFull(there, make([]byte, freeHeader+900)); err != nil {
			t.Fatal(err)
		}
		if err := fill(freeHeader + 200); !errors.Is(err, errUnread) {
			t.Errorf("too much in all: %v", err)
		}
		if err := fill(freeHeader); err != nil {
			t.Errorf("headers of the usual length beside: %v", err)
		}
		there.taken()
		if err := fill(freeHeader + 900); err != nil {
			t.Errorf("after a request took them: %v", err)
		}
	})
}
