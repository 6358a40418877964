package provider

import (
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// plannedOnce is what one walk of Terraform has planned, by what it stands for: two
// resources of one thing would undo each other's work at every apply, and no state
// tells of it.
type plannedOnce struct {
	mu   sync.Mutex
	seen map[string][]plannedCall
}

// plannedCall is one question for a plan: of a resource that is new, or of one that
// state has, and its configuration.
type plannedCall struct {
	fresh  bool
	config tftypes.Value
}

// twice says whether two resources of a configuration stand for one thing.
type twice int

const (
	// once is all that was seen: one resource, or two that ask for the same and are in
	// state both, as they do no harm and an error would keep users from destroying them.
	once twice = iota
	// perhaps are two resources, or one that Terraform replaces by force: it asks of
	// such a one first as it is in state and then as a new one, and says nothing of it.
	// It drops the warnings of the second question, and shows those of another resource.
	perhaps
	// surely are two.
	surely
)

func newPlannedOnce() *plannedOnce { return &plannedOnce{seen: make(map[string][]plannedCall)} }

// note keeps a question, and says whether it is of another resource than one before.
// Of one resource Terraform asks once as it is in state, if it is, and then at most
// once as new.
func (p *plannedOnce) note(key string, fresh bool, config tftypes.Value) (found twice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, before := range p.seen[key] {
		switch {
		case before.fresh, !fresh && !before.config.Equal(config):
			found = surely
		case fresh:
			found = max(found, perhaps)
		}
	}
	p.seen[key] = append(p.seen[key], plannedCall{fresh, config})
	return found
}
