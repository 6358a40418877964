package edge

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// echo answers with the length of a body.
func echo(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if p := Overload(err); p != nil {
		p.Write(w)
		return
	}
	if r.URL.Path == "/long" {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 10*piece))
	}
	if n != 10 && n != 0 {
		w.WriteHeader(http.StatusTeapot)
	}
}

// answered reads an answer.
func answered(t *testing.T, conn io.Reader) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

const tenToCome = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"

func TestWhoWaitsForASlowClientLeavesTheTurnToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serveOn(t, Load{Requests: 2, Slow: 2, Idle: time.Second, Wait: 5 * time.Second}.Handler(http.HandlerFunc(echo)))
		slow, reader := dial(), dial()
		send(t, slow, tenToCome+"xx")
		send(t, reader, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait()
		began := time.Now()
		for range 3 { // they have no turn any more, and no other takes one for long
			quick := dial()
			send(t, quick, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if res := answered(t, quick); res.StatusCode != http.StatusOK {
				t.Errorf("who has no slow client was answered with %d", res.StatusCode)
			}
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("that took %v", took)
		}
		// They go on where they were, once their clients do.
		send(t, slow, strings.Repeat("x", 8))
		if res := answered(t, slow); res.StatusCode != http.StatusOK {
			t.Errorf("the slow one was answered with %d", res.StatusCode)
		}
		if body, err := io.ReadAll(answered(t, reader).Body); len(body) != 10*piece || err != nil {
			t.Errorf("the slow reader had %d bytes, %v", len(body), err)
		}
	})
}

func TestOfSlowClientsOnlySoManyAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serveOn(t, Load{Requests: 3, Slow: 1, Idle: time.Second, Wait: 5 * time.Second}.Handler(http.HandlerFunc(echo)))
		first := dial()
		send(t, first, tenToCome+"xx")
		synctest.Wait()
		<-time.After(2 * time.Second) // it has the only place
		body, reader := dial(), dial()
		send(t, body, tenToCome+"xx")
		send(t, reader, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
		if res := answered(t, body); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("a slow body more: %d, %v", res.StatusCode, res.Header)
		}
		synctest.Wait()
		if got, err := io.ReadAll(reader); len(got) >= 10*piece || err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a slow reader more had %d bytes, %v", len(got), err)
		}
		send(t, first, strings.Repeat("x", 8))
		if res := answered(t, first); res.StatusCode != http.StatusOK {
			t.Errorf("the first was answered with %d", res.StatusCode)
		}
	})
}

func TestSlowClientsOfOneAddressLeavePlacesToWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Load{Requests: 8, PerAddress: 8, Slow: 4, Idle: time.Second, Wait: 5 * time.Second}.Handler(http.HandlerFunc(echo))
		dial := serveOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RemoteAddr = r.Header.Get("From")
			h.ServeHTTP(w, r)
		}))
		begin := func(from string) io.ReadWriter {
			conn := dial()
			send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nFrom: "+from+":1\r\nContent-Length: 10\r\n\r\nxx")
			<-time.After(2 * time.Second)
			return conn
		}
		for round := range 2 { // each gives its place back
			first, second := begin("10.0.0.1"), begin("10.0.0.1")
			if res := answered(t, begin("10.0.0.1")); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
				t.Errorf("round %d: a slow one more of an address: %d, %v", round, res.StatusCode, res.Header)
			}
			other, proxied := begin("10.0.0.2"), begin("127.0.0.1")
			for what, conn := range map[string]io.ReadWriter{"the first": first, "the second": second, "that of another address": other, "one through a proxy": proxied} {
				if _, err := io.WriteString(conn, strings.Repeat("x", 8)); err != nil {
					t.Fatal(err)
				}
				if res := answered(t, conn); res.StatusCode != http.StatusOK {
					t.Errorf("round %d: %s was answered with %d", round, what, res.StatusCode)
				}
			}
		}
	})
}
