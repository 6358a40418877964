package service

import (
	"maps"
	"slices"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/api"
)

// changes gathers what API writes touched until the runner takes it. Adding
// never blocks: a thing changed many times is noted once.
type changes struct {
	signal chan struct{}

	mu         sync.Mutex
	components map[string]bool
	sessions   map[bos.SessionKey]bool
	options    bool
	all        bool
}

// taken is what has changed since the last take.
type taken struct {
	components []string
	sessions   []bos.SessionKey
	options    bool
	all        bool
}

func newChanges() *changes {
	return &changes{
		signal:     make(chan struct{}, 1),
		components: make(map[string]bool),
		sessions:   make(map[bos.SessionKey]bool),
	}
}

func (c *changes) add(change api.Change) {
	c.mu.Lock()
	for _, id := range change.Components {
		c.components[id] = true
	}
	for _, key := range change.Sessions {
		c.sessions[key] = true
	}
	c.options = c.options || change.Options
	c.all = c.all || change.All
	c.mu.Unlock()
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

func (c *changes) take() taken {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := taken{
		components: slices.Sorted(maps.Keys(c.components)),
		options:    c.options,
		all:        c.all,
	}
	for key := range c.sessions {
		t.sessions = append(t.sessions, key)
	}
	clear(c.components)
	clear(c.sessions)
	c.options, c.all = false, false
	return t
}
