package shell

import (
	"maps"
	"slices"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Change is what a client wrote.
type Change struct {
	// Components were written or deleted, Records are those of them that are known
	// as they are stored since.
	Components []string
	Records    []bos.Record
	// Sessions were written or deleted. Inventory is what was read for the one
	// session of a request that created it; nil if it was not.
	Sessions  []bos.SessionKey
	Inventory *bos.Inventory
	// SitePause and Paused are the pauses that were put on or taken off, of the site
	// and of sessions.
	SitePause *bos.SitePause
	Paused    []bos.SessionRecord
}

// changes wakes the shell when something was written or hinted at, and keeps for it
// what need not be read again. What was written is told by the feed of the store; this
// is how it is learned at once. Adding never blocks.
type changes struct {
	wake Signal

	mu      sync.Mutex
	records map[string]bos.Record
	// inventories are those that sessions were accepted by.
	inventories map[bos.SessionKey]bos.Inventory
	hints       map[string]bool
	scripts     []bos.ScriptFetch
}

// maxHints bounds the hints that wait for a step. What is beyond is dropped: a
// hint that is lost costs time, no more.
const maxHints = 1 << 17

// taken is what has changed since the last take.
type taken struct {
	records     []bos.Record
	inventories map[bos.SessionKey]bos.Inventory
	hints       []string
	scripts     []bos.ScriptFetch
}

func newChanges(wake Signal) *changes {
	return &changes{
		wake:        wake,
		records:     make(map[string]bos.Record),
		inventories: make(map[bos.SessionKey]bos.Inventory),
		hints:       make(map[string]bool),
	}
}

func (c *changes) add(change Change) {
	c.mu.Lock()
	for _, r := range change.Records {
		// Writers do not come here in the order of their commits.
		if r.Revision > c.records[r.ID].Revision {
			c.records[r.ID] = r
		}
	}
	for _, key := range change.Sessions {
		if change.Inventory != nil {
			c.inventories[key] = *change.Inventory
		}
	}
	c.mu.Unlock()
	c.wake.Raise()
}

// hint notes nodes whose power may have changed.
func (c *changes) hint(ids []string) {
	c.mu.Lock()
	for _, id := range ids {
		if len(c.hints) >= maxHints {
			break
		}
		c.hints[id] = true
	}
	c.mu.Unlock()
	c.wake.Raise()
}

// fetch notes that a boot script was given out. The next step is early enough to take
// it in, unless something is wrong.
func (c *changes) fetch(f bos.ScriptFetch) {
	c.mu.Lock()
	if len(c.scripts) < maxHints {
		c.scripts = append(c.scripts, f)
	}
	c.mu.Unlock()
	if f.Again {
		c.wake.Raise()
	}
}

// tell notes the hints that others left.
func (c *changes) tell(hints bos.Hints) {
	c.hint(hints.Power)
	for _, f := range hints.Scripts {
		c.fetch(f)
	}
}

// forOthers forgets what was written, and, where there is somebody to pass them on to,
// takes the hints.
func (c *changes) forOthers(passedOn bool) (hints bos.Hints) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.records)
	clear(c.inventories)
	if passedOn {
		hints = bos.Hints{Power: slices.Sorted(maps.Keys(c.hints)), Scripts: c.scripts}
		clear(c.hints)
		c.scripts = nil
	}
	return hints
}

func (c *changes) take() taken {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := taken{hints: slices.Sorted(maps.Keys(c.hints)), inventories: c.inventories, scripts: c.scripts}
	t.records = make([]bos.Record, 0, len(c.records))
	for _, id := range slices.Sorted(maps.Keys(c.records)) {
		t.records = append(t.records, c.records[id])
	}
	clear(c.records)
	clear(c.hints)
	c.scripts = nil
	c.inventories = make(map[bos.SessionKey]bos.Inventory)
	return t
}
