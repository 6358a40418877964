// Package replicas puts several services on one database behind one address, for tests:
// each request goes to the next of them.
package replicas

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

const (
	// askEvery is how often a service is asked whether it is ready, askTime how long it
	// may take to say so.
	askEvery = 250 * time.Millisecond
	askTime  = 2 * time.Second
)

// Balancer sends each request to the next service that says that it is ready, as a load
// balancer of a site does. It keeps nobody with one of them.
type Balancer struct {
	listener net.Listener
	server   *http.Server
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex
	services []*backend
	next     int
}

// backend is one service.
type backend struct {
	url   *url.URL
	proxy *httputil.ReverseProxy
	ready bool
	// requests are those under way, which end when it is not ready any more.
	requests context.Context //nolint:containedctx // one of all its requests
	end      context.CancelFunc
}

// Balance listens, in front of nobody as yet.
func Balance(ctx context.Context) (*Balancer, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	b := &Balancer{listener: l, stop: stop}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 4 << 20, BaseContext: func(net.Listener) context.Context { return ctx }}
	b.running.Go(func() { _ = b.server.Serve(l) }) // it is closed
	b.running.Go(func() { b.watch(ctx) })
	return b, nil
}

// Close ends it and all that passes it.
func (b *Balancer) Close() {
	b.stop()
	_ = b.server.Close() // the tests are over
	b.running.Wait()
}

// Address is where it listens, URL that as clients write it.
func (b *Balancer) Address() string { return b.listener.Addr().String() }

// URL is where clients ask.
func (b *Balancer) URL() string { return "http://" + b.Address() }

// Use has it balance between the services at these URLs, which are taken as ready.
func (b *Balancer) Use(urls ...string) error {
	list := make([]*backend, 0, len(urls))
	for _, text := range urls {
		at, err := url.Parse(text)
		if err != nil {
			return err
		}
		s := &backend{url: at}
		s.proxy = &httputil.ReverseProxy{
			Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(at); r.SetXForwarded() },
			FlushInterval: -1,
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
				w.WriteHeader(http.StatusBadGateway)
			},
		}
		s.turn(true)
		list = append(list, s)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.services {
		s.turn(false)
	}
	b.services = list
	return nil
}

// turn notes whether a service is ready, and ends its requests when it is no more. mu is
// held, or nobody knows it.
func (s *backend) turn(ready bool) {
	switch {
	case ready && !s.ready:
		s.requests, s.end = context.WithCancel(context.Background())
	case !ready && s.ready:
		s.end()
	}
	s.ready = ready
}

// turn is the service whose turn it is, nil if none is ready.
func (b *Balancer) turn() (*backend, context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.services {
		s := b.services[b.next%len(b.services)]
		b.next++
		if s.ready {
			return s, s.requests
		}
	}
	return nil, nil
}

// ServeHTTP passes a request on.
func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, requests := b.turn()
	if s == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	ctx, done := context.WithCancel(r.Context())
	defer done()
	defer context.AfterFunc(requests, done)()
	s.proxy.ServeHTTP(w, r.WithContext(ctx))
}

// watch asks all services again and again whether they are ready.
func (b *Balancer) watch(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	client := &http.Client{Timeout: askTime, Transport: &http.Transport{DisableKeepAlives: true}}
	asking := make(map[*backend]bool)
	answers := make(chan *backend)
	for {
		b.mu.Lock()
		services := b.services
		b.mu.Unlock()
		for _, s := range services {
			if asking[s] {
				continue
			}
			asking[s] = true
			b.running.Go(func() {
				ready := isReady(ctx, client, s.url)
				b.mu.Lock()
				s.turn(ready)
				b.mu.Unlock()
				select {
				case answers <- s:
				case <-ctx.Done():
				}
			})
		}
		for waiting := true; waiting; {
			select {
			case s := <-answers:
				delete(asking, s)
			case <-tick.C:
				waiting = false
			case <-ctx.Done():
				return
			}
		}
	}
}

func isReady(ctx context.Context, client *http.Client, at *url.URL) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.JoinPath("readyz").String(), nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return errors.Is(ctx.Err(), context.Canceled) // it ends: nobody is taken out for that
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}
