package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	// refreshGap is the least time between two questions for keys, whoever wants them:
	// tokens with keys that nobody knows are free to make.
	refreshGap = 30 * time.Second
	// refreshEvery is after how long keys are asked for again, so that one that the
	// issuer has withdrawn goes.
	refreshEvery = 10 * time.Minute
	// fetchTimeout bounds a fetch, of discovery and keys together.
	fetchTimeout = 10 * time.Second
	// maxWaiting bounds who waits for one fetch. Others are refused at once.
	maxWaiting = 256
	// maxKeyID bounds the name of a key.
	maxKeyID = 256
)

// keys are those of an issuer: the last that it gave. They are fetched for the first
// token, for one that they do not verify, and again after a time; while the issuer is
// away, those that there are stay.
type keys struct {
	fetch      func(context.Context) (*set, error)
	algorithms []jose.SignatureAlgorithm
	issuer     string
	clock      func() time.Time
	log        *slog.Logger

	set atomic.Pointer[set]
	// fresh is until when, in Unix nanoseconds, nobody need look whether keys are
	// to be fetched again.
	fresh atomic.Int64

	mu     sync.Mutex
	flight *flight
	tried  time.Time
	err    error // of the last fetch
}

// flight is a fetch that is under way.
type flight struct {
	done    chan struct{}
	waiting int
}

func newKeys(s Settings) *keys {
	k := &keys{issuer: s.Issuer, clock: s.Now, log: s.Log}
	for _, a := range s.Algorithms {
		k.algorithms = append(k.algorithms, jose.SignatureAlgorithm(a))
	}
	k.fetch = newFetcher(s).fetch
	return k
}

// now are the keys that there are; nil if there have never been any.
func (k *keys) now() *set { return k.set.Load() }

// verification takes the keys that a token was verified with.
type verification struct{ by *set }

type verificationKey struct{}

// VerifySignature returns what is in a token if one of the keys signed it. Nothing in
// the token says where a key comes from: jwk, jku, x5c and x5u are not read.
func (k *keys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, k.algorithms)
	if err != nil {
		return nil, errors.New("it is not signed by an algorithm that is taken here")
	}
	header := jws.Signatures[0].Header
	if kind, _ := header.ExtraHeaders[jose.HeaderType].(string); !kindOfHeader(kind) {
		return nil, fmt.Errorf("it is of the type %q; send the access token", clip(kind))
	}
	if len(header.KeyID) > maxKeyID {
		return nil, errors.New("the name of its key is longer than any")
	}
	seen := k.now()
	by, payload := seen, seen.verify(jws)
	if payload == nil {
		if by, err = k.renewed(ctx, seen); err != nil {
			return nil, err
		}
		payload = by.verify(jws)
	}
	if payload == nil {
		return nil, fmt.Errorf("none of the issuer's keys verifies it; its key is named %q, and the issuer has %s", header.KeyID, by.names())
	}
	if v, ok := ctx.Value(verificationKey{}).(*verification); ok {
		v.by = by
	}
	return payload, nil
}

// kindOfHeader reports whether typ of a header is that of an access token.
func kindOfHeader(kind string) bool {
	switch strings.TrimPrefix(strings.ToLower(kind), "application/") {
	case "", "jwt", "at+jwt":
		return true
	}
	return false
}

// renewed are the keys after those that were seen. It waits for a fetch that is under
// way, and starts one if the last is long enough ago; otherwise there are none.
func (k *keys) renewed(ctx context.Context, seen *set) (*set, error) {
	k.mu.Lock()
	if have := k.now(); have != seen {
		k.mu.Unlock()
		return have, nil
	}
	if k.flight == nil && !k.start() || k.flight.waiting >= maxWaiting {
		defer k.mu.Unlock()
		return nil, k.none()
	}
	f := k.flight
	f.waiting++
	k.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if have := k.now(); have != nil {
		return have, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return nil, k.none()
}

// none says why a token cannot be verified; mu is held.
func (k *keys) none() error {
	if k.err != nil {
		return fmt.Errorf("no key that is known here verifies it, and the issuer was asked for others in vain: %w", k.err)
	}
	return fmt.Errorf("no key that is known here verifies it, and the issuer is asked for others once in %s at most; try again after that if the issuer has just changed its keys", refreshGap)
}

// keepFresh has the keys fetched again after a time, while nobody waits for it.
func (k *keys) keepFresh() {
	now := k.clock()
	if left := k.fresh.Load() - now.UnixNano(); k.now() == nil || left > 0 && left <= int64(refreshEvery) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight == nil {
		k.start()
	}
}

// start begins a fetch, unless the last one is too near; mu is held.
func (k *keys) start() bool {
	now := k.clock()
	// A clock that was set back must not stop fetches until it has caught up.
	if since := now.Sub(k.tried); !k.tried.IsZero() && since >= 0 && since < refreshGap {
		return false
	}
	k.tried = now
	k.fresh.Store(now.Add(refreshGap).UnixNano())
	f := &flight{done: make(chan struct{})}
	k.flight = f
	go func() {
		// Whoever waits may go; the fetch is for all.
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		defer cancel()
		got, err := k.fetch(ctx)
		k.land(f, got, err)
	}()
	return true
}

// land takes what a fetch has brought.
func (k *keys) land(f *flight, got *set, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(f.done)
	k.flight, k.err = nil, err
	have := k.now()
	switch {
	case err != nil && have == nil:
		k.log.Warn("the keys of an issuer cannot be read; its tokens are refused until they can", "issuer", k.issuer, "cause", err)
	case err != nil:
		k.log.Warn("the keys of an issuer cannot be read again; those that are known stay good", "issuer", k.issuer, "cause", err)
	default:
		k.fresh.Store(k.clock().Add(refreshEvery).UnixNano())
		if !got.same(have) {
			k.set.Store(got)
			k.log.Info("the issuer has other keys", "issuer", k.issuer, "keys", got.names())
		}
	}
}
