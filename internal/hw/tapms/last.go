package tapms

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// lastFor is for how long the last answer about a tenant serves who only reads,
	// while TAPMS gives no newer one.
	lastFor = 5 * time.Minute
	// awayFor is for how long after a failure such readers are not made to wait for
	// another.
	awayFor = 15 * time.Second
	// maxTenants bounds the answers that are kept.
	maxTenants = 1000
)

// last are the last answers about tenants.
type last struct {
	now func() time.Time

	mu   sync.Mutex
	of   map[string]answer
	away time.Time // of the last failure; zero since an answer
}

type answer struct {
	nodes []string
	at    time.Time
}

// instead is the last answer about a tenant, for who may have it in place of a new one.
func (l *last) instead(ctx context.Context, tenant string) ([]string, bool) {
	if !bos.MayBeAged(ctx) {
		return nil, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.of[tenant]
	if !ok || l.now().Sub(a.at) >= lastFor {
		return nil, false
	}
	return slices.Clone(a.nodes), true
}

// failing reports whether TAPMS gave no answer a moment ago.
func (l *last) failing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.away.IsZero() && l.now().Sub(l.away) < awayFor
}

// note keeps an answer. That a tenant is unknown is one as well.
func (l *last) note(tenant string, nodes []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case errors.Is(err, bos.ErrNotFound):
		l.away = time.Time{}
		delete(l.of, tenant)
	case err != nil:
		l.away = l.now()
	default:
		l.away = time.Time{}
		if l.of == nil || len(l.of) >= maxTenants {
			l.of = make(map[string]answer)
		}
		l.of[tenant] = answer{slices.Clone(nodes), l.now()}
	}
}
