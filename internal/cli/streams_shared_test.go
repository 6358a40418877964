//go:build unix

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// leaveAfter is after how many events a follower leaves, so that it goes on at the next
// service.
const leaveAfter = 20

// follower follows a stream through the balancer as a browser does: again, with the id of
// the last event, whenever the stream ends.
type follower struct {
	c    *cluster
	path string
	// take is told of each event.
	take func(event, id string, data []byte) error

	last    string
	streams int
}

var errLeft = errors.New("it was followed for long enough")

// follow goes on until ctx ends.
func (f *follower) follow(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := f.once(ctx); err != nil && !errors.Is(err, errLeft) {
			f.c.t.Errorf("stream %d of %s: %v", f.streams, f.path, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// once follows one stream to its end, however that comes.
func (f *follower) once(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.c.front.URL()+f.path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+f.c.token)
	if f.last != "" {
		req.Header.Set("Last-Event-ID", f.last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil // the test ends, or a service did
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		if res.StatusCode < http.StatusInternalServerError {
			return fmt.Errorf("it is answered %d", res.StatusCode)
		}
		return nil
	}
	f.streams++
	text := bufio.NewScanner(res.Body)
	text.Buffer(nil, 4<<20)
	event, id := "", ""
	for seen := 0; seen < leaveAfter; {
		if !text.Scan() {
			return nil // what was half sent is sent again
		}
		switch name, value, _ := strings.Cut(text.Text(), ": "); name {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			if err := f.take(event, id, []byte(value)); err != nil {
				return err
			}
			f.last = id
			seen++
		}
	}
	return errLeft
}

// shownPage is what the page knows, by names.
type shownPage struct {
	Pause    bool
	Nodes    map[string]string
	Sessions map[string]string
}

func shownBy(w *bos.Watched) shownPage {
	p := shownPage{Pause: w.Pause.Paused, Nodes: make(map[string]string), Sessions: make(map[string]string)}
	for _, n := range w.Nodes {
		p.Nodes[n.ID] = fmt.Sprint(n.State, n.Since, w.Sessions[n.Session].Name, n.Wait, n.Cause, n.Attempts, n.Held)
	}
	for _, s := range w.Sessions {
		p.Sessions[s.Name] = fmt.Sprint(s.Status, s.Start, s.End, s.Total, s.Counts, s.Waiting, s.Failures)
	}
	return p
}

func (p shownPage) same(o shownPage) bool {
	return p.Pause == o.Pause && maps.Equal(p.Nodes, o.Nodes) && maps.Equal(p.Sessions, o.Sessions)
}

// TestStreamsThatGoOnAtTheNextServiceLoseNothingAndRepeatNothing follows the history and the
// page through the balancer while nodes reboot, options change and services are killed, first
// the one that drives. Each stream goes on at another service again and again: of
// the history each event comes once and in order, and what the page shows never is of before
// what it showed already, and in the end is what each service shows.
func TestStreamsThatGoOnAtTheNextServiceLoseNothingAndRepeatNothing(t *testing.T) {
	postgrestest.Skip(t)
	const nodes = 8
	dsn := postgrestest.New(t)
	c := clusterOn(t, nodes, dsn, dsn, dsn, dsn)
	var mu sync.Mutex
	var ids []int64
	var page bos.Watched
	newest := int64(0)
	history := &follower{c: c, path: "/x/v1/events", take: func(_, id string, data []byte) error {
		var e bos.Event
		n, err := strconv.ParseInt(id, 10, 64)
		if err = errors.Join(err, json.Unmarshal(data, &e)); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if ids = append(ids, n); e.ID != n {
			return fmt.Errorf("event %d has the id %d", e.ID, n)
		}
		return nil
	}}
	board := &follower{c: c, path: "/x/v1/stream", take: func(event, _ string, data []byte) error {
		mu.Lock()
		defer mu.Unlock()
		if err := page.Take(event, data); err != nil {
			return err
		}
		if event != bos.StreamResetEvent && page.Revision < newest {
			return fmt.Errorf("a %s is of revision %d, after one of %d", event, page.Revision, newest)
		}
		newest = max(newest, page.Revision)
		return nil
	}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var following sync.WaitGroup
	for _, f := range []*follower{history, board} {
		following.Go(func() { f.follow(ctx) })
	}
	option := 0
	change := func(n int) {
		for range n {
			option++
			c.must(http.MethodPatch, "/v2/options", map[string]any{"max_boot_wait_time": 1000 + option}, http.StatusOK)
		}
	}
	for round, s := range c.services {
		name := fmt.Sprint("round-", round)
		c.begin(name, "reboot")
		change(leaveAfter)
		if round == 0 {
			s = c.driver()
		}
		s.kill()
		change(leaveAfter)
		s.start()
		c.ready(s)
		c.complete(name)
	}
	c.rebooted(len(c.services) - 1) // the first found them off

	var all struct{ Last int64 }
	c.must(http.MethodGet, "/v2/options", nil, http.StatusOK)
	if status := c.ask(http.MethodGet, "/x/v1/events?newest=true&limit=1", nil, &all); status != http.StatusOK {
		t.Fatalf("the history is answered %d", status)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for done := false; !done; <-tick.C {
		mu.Lock()
		done = len(ids) > 0 && ids[len(ids)-1] >= all.Last
		mu.Unlock()
	}
	c.showTheSame(&mu, &page, tick)
	stop()
	following.Wait()
	for i, id := range ids {
		if id != int64(i)+1 {
			t.Fatalf("event %d came in place %d, behind %v", id, i+1, ids[max(0, i-3):i])
		}
	}
	if history.streams < 3 || board.streams < 3 {
		t.Errorf("the history came over %d streams and the page over %d: they did not go on at other services", history.streams, board.streams)
	}
	t.Logf("%d events over %d streams, the page over %d", len(ids), history.streams, board.streams)
}

// showTheSame waits until who follows the page is shown what each service shows.
func (c *cluster) showTheSame(mu *sync.Mutex, page *bos.Watched, tick *time.Ticker) {
	c.t.Helper()
	for _, s := range c.services {
		for same := false; !same; <-tick.C {
			var now answered
			if status := c.askAt(s.url, http.MethodGet, "/x/v1/stream", nil, &now); status != http.StatusOK {
				c.t.Fatalf("the page is answered %d", status)
			}
			var snapshot bos.Watched
			if err := snapshot.Take(bos.StreamSnapshotEvent, []byte(now.text)); err != nil {
				c.t.Fatal(err)
			}
			mu.Lock()
			same = shownBy(page).same(shownBy(&snapshot))
			mu.Unlock()
		}
	}
}
