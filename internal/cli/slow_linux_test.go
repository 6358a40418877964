package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// A slow connection begins like this, and goes on by a byte now and then.
type slowness struct {
	name string
	// begin is what it sends at once, for a token.
	begin func(authorization string) string
}

var slownesses = []slowness{
	{"headers", func(string) string { return "GET /v2/components HTTP/1.1\r\nHost: localhost\r\nX-Slow: " }},
	{"bodies", func(authorization string) string {
		return "PUT /v2/sessiontemplates/slow HTTP/1.1\r\nHost: localhost\r\n" + authorization + "Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{\"name\":\""
	}},
	// More answers than fit into the buffers on the way.
	{"readers", func(authorization string) string {
		return strings.Repeat("GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n"+authorization+"\r\n", 200)
	}},
}

// slowConnections are many of each kind, until the context ends or the service cuts them off.
type slowConnections struct {
	group sync.WaitGroup
	open  atomic.Int64
	began chan struct{}
	// longest is how long it took until the last one was cut off, in nanoseconds.
	longest atomic.Int64
}

func slowly(ctx context.Context, t *testing.T, url string, count int) *slowConnections {
	t.Helper()
	s := &slowConnections{began: make(chan struct{}, count)}
	authorization := ""
	if token := localtoken.Find(url); token != "" {
		authorization = "Authorization: Bearer " + token + "\r\n"
	}
	for i := range count {
		s.group.Go(func() {
			s.one(ctx, t, strings.TrimPrefix(url, "http://"), slownesses[i%len(slownesses)], authorization)
		})
	}
	for range count {
		<-s.began
	}
	return s
}

func (s *slowConnections) one(ctx context.Context, t *testing.T, address string, kind slowness, authorization string) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Errorf("%s: %v", kind.name, err)
		s.began <- struct{}{}
		return
	}
	defer conn.Close() //nolint:errcheck // nothing is left to say
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	began := time.Now()
	_, err = io.WriteString(conn, kind.begin(authorization))
	s.open.Add(1)
	defer s.open.Add(-1)
	s.began <- struct{}{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// A service that has closed a connection with this unread resets it.
		_, err = io.WriteString(conn, "x")
	}
	if took := time.Since(began).Nanoseconds(); took > s.longest.Load() {
		s.longest.Store(took)
	}
}

// streams asks for the events so many times, and counts those that follow them and those
// that are told to come again later; all else is an error.
func streams(ctx context.Context, t *testing.T, url string, count int) (following, later int, leave func()) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var mu sync.Mutex
	var bodies []io.Closer
	var group sync.WaitGroup
	places := make(chan struct{}, 100)
	for range count {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/x/v1/events", nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Accept", "text/event-stream")
			authorize(req)
			res, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case res.StatusCode == http.StatusOK:
				following++
				bodies = append(bodies, res.Body)
				return
			case res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
				later++
			default:
				t.Errorf("a stream was answered with %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
			}
			_ = res.Body.Close()
		})
	}
	group.Wait()
	return following, later, func() {
		for _, b := range bodies {
			_ = b.Close()
		}
	}
}

// TestSlowConnectionsAndManyStreamsKeepNoSessionFromConverging has clients that send and
// take a byte now and then, and many that follow the events. SLOW_CONNECTIONS,
// SLOW_STREAMS and SLOW_NODES make it larger; with SLOW_CUT all slow ones are waited for
// until the service has cut them off.
func TestSlowConnectionsAndManyStreamsKeepNoSessionFromConverging(t *testing.T) {
	t.Parallel()
	count, followers, nodes := setting(t, "SLOW_CONNECTIONS", 60), setting(t, "SLOW_STREAMS", 100), setting(t, "SLOW_NODES", 20)
	for _, auth := range []string{"enforce", "off"} {
		t.Run("auth "+auth, func(t *testing.T) {
			t.Parallel()
			b := besiege(t, nodes, auth)
			session(t, b.process, "boot", "boot")
			complete(t, b.url, "boot")
			ended := make(chan struct{})
			close(ended)
			rounds, alone := b.converges(t, 0, ended)
			idle()
			before := b.holds()

			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			slow := slowly(ctx, t, b.url, count)
			open := slow.open.Load() // some are cut off before long
			following, later, leave := streams(ctx, t, b.url, followers)
			if int(open) != count {
				t.Errorf("%d of %d slow connections were open", open, count)
			}
			if following == 0 || following+later != followers {
				t.Errorf("%d follow the events and %d were told to come again, of %d", following, later, followers)
			}
			author := writes(t, b.url)
			last, slowest := b.converges(t, rounds, ended)
			author.kept(t, b.url)
			ordered(t, b.url, b.room.Room())
			list := []figures.Figure{
				{What: "slow connections at once", Value: float64(open), Unit: figures.Times, Aim: figures.AtLeast(float64(count))},
				{What: "streams that follow", Value: float64(following), Unit: figures.Times, Aim: figures.AtMost(64)},
				{What: "streams told to come again", Value: float64(later), Unit: figures.Times, Aim: figures.AtLeast(float64(followers - 64))},
				{What: "a reboot alone", Nodes: nodes, Value: alone.Seconds(), Unit: figures.Seconds},
				{What: "the slowest meanwhile", Nodes: nodes, Value: slowest.Seconds(), Unit: figures.Seconds},
				{What: "reboots meanwhile", Nodes: nodes, Value: float64(last - rounds), Unit: figures.Times, Aim: figures.AtLeast(1)},
			}
			if os.Getenv("SLOW_CUT") != "" {
				slow.group.Wait()
				list = append(list, figures.Figure{What: "until all slow ones were cut off", Value: time.Duration(slow.longest.Load()).Seconds(), Unit: figures.Seconds, Aim: figures.AtMost(90)})
			}
			stop()
			slow.group.Wait()
			leave()
			idle()
			after, rested := b.restored(before)
			list = append(list, after.judge(t, before, rested)...)
			if err := figures.Print(os.Stdout, list); err != nil {
				t.Error(err)
			}
		})
	}
}
