package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	// couriers bounds the notifications under way at a time, maxUndelivered
	// those that wait; what is beyond is lost.
	couriers       = 16
	maxUndelivered = 1 << 14
	courierTimeout = 5 * time.Second
)

// message is one notification.
type message struct {
	url  string
	body any
}

// courier delivers notifications, each tried once.
type courier struct {
	client *http.Client
	queue  chan message
}

func newCourier() *courier {
	return &courier{
		queue: make(chan message, maxUndelivered),
		client: &http.Client{
			Timeout: courierTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: couriers, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// send puts a notification on its way.
func (c *courier) send(m message) {
	select {
	case c.queue <- m:
	default: // lost
	}
}

// run delivers, as one of several, until ctx ends.
func (c *courier) run(ctx context.Context) {
	defer c.client.CloseIdleConnections()
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-c.queue:
			c.deliver(ctx, m)
		}
	}
}

func (c *courier) deliver(ctx context.Context, m message) {
	body, err := json.Marshal(m.body)
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return // lost
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) // else the connection is not used again
}

// onLoopback tells whether notifications may go to an address: like all of the
// room, they stay on this machine.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// spread tells those who asked for it what is new.
func (s *Server) spread() {
	news := s.room.TakeNews()
	if len(news) == 0 {
		return
	}
	s.notify(news)
	for _, n := range slices.DeleteFunc(news, func(n News) bool { return n.Power == "" || n.BMC == "" }) {
		s.raise(n)
	}
}
