package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// Couriers bounds the notifications under way at a time, maxUndelivered
	// those that wait; what is beyond is lost.
	Couriers       = 16
	maxUndelivered = 1 << 14
	courierTimeout = 5 * time.Second
)

// Message is one notification.
type Message struct {
	URL  string
	Body any
}

// Courier delivers notifications, each tried once.
type Courier struct {
	client *http.Client
	queue  chan Message
}

// NewCourier is one with nothing to deliver.
func NewCourier() *Courier {
	return &Courier{
		queue: make(chan Message, maxUndelivered),
		client: &http.Client{
			Timeout: courierTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: Couriers, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Send puts a notification on its way.
func (c *Courier) Send(m Message) {
	select {
	case c.queue <- m:
	default: // lost
	}
}

// Run delivers, as one of several, until ctx ends.
func (c *Courier) Run(ctx context.Context) {
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

func (c *Courier) deliver(ctx context.Context, m Message) {
	body, err := json.Marshal(m.Body)
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return // lost
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, MaxAnswer)) // else the connection is not used again
}

// OnLoopback tells whether notifications may go to an address: like all of the
// room, they stay on this machine.
func OnLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
