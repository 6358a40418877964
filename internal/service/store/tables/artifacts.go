package tables

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

const (
	selectArtifacts = "SELECT kernel, kernel_parameters, initrd FROM artifacts WHERE id = ?"
	findArtifacts   = "SELECT id FROM artifacts WHERE kernel = ? AND kernel_parameters = ? AND initrd = ?"
	addArtifacts    = "INSERT INTO artifacts (kernel, kernel_parameters, initrd) VALUES (?, ?, ?) RETURNING id"
	// maxInterned bounds the sets kept in memory; each is 4 KiB or less
	// where the limits of the API hold. More are read again.
	maxInterned = 4096
)

// interned is what the numbers stand for that documents have in place of boot
// artifacts. A row never changes, and its number is not used again after Tidy has
// removed it: what is known here stays true.
type interned struct {
	mu   sync.RWMutex
	byID map[int64]bos.BootArtifacts
}

func (n *interned) get(id int64) (bos.BootArtifacts, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	a, ok := n.byID[id]
	return a, ok
}

func (n *interned) put(id int64, a bos.BootArtifacts) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.byID) >= maxInterned || n.byID == nil {
		n.byID = make(map[int64]bos.BootArtifacts)
	}
	n.byID[id] = a
}

// committedArtifacts resolves a set that is on the disk.
func (s *Store) committedArtifacts(ctx context.Context, q querier, id int64) (bos.BootArtifacts, error) {
	if a, ok := s.interned.get(id); ok {
		return a, nil
	}
	var a bos.BootArtifacts
	err := q.row(ctx, selectArtifacts, id).Scan(&a.Kernel, &a.KernelParameters, &a.Initrd)
	if err != nil {
		return a, fmt.Errorf("boot artifacts %d: %w", id, err)
	}
	s.interned.put(id, a)
	return a, nil
}

// sets are the rows of boot artifacts that the open transaction sees, and the tokens that
// stand for them. They are known for as long as nobody else writes to the database and
// nothing is undone: another process may remove a row, and give a token another meaning.
type sets struct {
	byID   map[int64]bos.BootArtifacts
	ids    map[bos.BootArtifacts]int64
	tokens map[string]bos.BootArtifacts
}

func (s *sets) forget() { *s = sets{} }

func (s *sets) put(id int64, a bos.BootArtifacts) {
	if s.byID == nil || len(s.byID) >= maxInterned {
		s.byID, s.ids = make(map[int64]bos.BootArtifacts), make(map[bos.BootArtifacts]int64)
	}
	s.byID[id], s.ids[a] = a, id
}

// interning resolves and finds sets for one write.
type interning struct {
	ctx  context.Context //nolint:containedctx // lives as long as one write
	tx   *tx
	none map[bos.BootArtifacts]bool // those that are not interned
	// last is the set that was found last, most often the next one too.
	last   bos.BootArtifacts
	lastID int64
}

func interningIn(ctx context.Context, t *tx) *interning {
	return &interning{ctx: ctx, tx: t, none: map[bos.BootArtifacts]bool{}}
}

func (n *interning) resolve(id int64) (bos.BootArtifacts, error) {
	if a, ok := n.tx.sets.byID[id]; ok {
		return a, nil
	}
	var a bos.BootArtifacts
	if err := n.tx.row(n.ctx, selectArtifacts, id).Scan(&a.Kernel, &a.KernelParameters, &a.Initrd); err != nil {
		return a, fmt.Errorf("boot artifacts %d: %w", id, err)
	}
	n.tx.sets.put(id, a)
	return a, nil
}

// find is the row of a set, 0 if it has none.
func (n *interning) find(a bos.BootArtifacts) (int64, error) {
	if n.lastID != 0 && a == n.last {
		return n.lastID, nil
	}
	id, ok := n.tx.sets.ids[a]
	if !ok && n.none[a] {
		return 0, nil
	}
	if !ok {
		err := n.tx.row(n.ctx, findArtifacts, a.Kernel, a.KernelParameters, a.Initrd).Scan(&id)
		if notThere(err) {
			n.none[a] = true
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("look for boot artifacts: %w", err)
		}
		n.tx.sets.put(id, a)
	}
	n.last, n.lastID = a, id
	return id, nil
}

// add is the row of a set, a new one if it has none.
func (n *interning) add(a bos.BootArtifacts) (int64, error) {
	id, err := n.find(a)
	if err != nil || id != 0 {
		return id, err
	}
	// As a write, so that what is known of it is forgotten if it is undone.
	if err := n.tx.returned(n.ctx, func(row scanner) error { return row.Scan(&id) }, addArtifacts, a.Kernel, a.KernelParameters, a.Initrd); err != nil {
		return 0, fmt.Errorf("write boot artifacts: %w", err)
	}
	delete(n.none, a)
	n.tx.sets.put(id, a)
	return id, nil
}

// share interns the sets that more than one of the records has. One that a
// single node has, with parameters of its own, stays in its document.
func (n *interning) share(list []write) error {
	if len(list) < 2 {
		return nil
	}
	seen := make(map[bos.BootArtifacts]string)
	for i := range list {
		r := list[i].record
		for _, a := range [...]bos.BootArtifacts{r.ActualState.BootArtifacts, r.DesiredState.BootArtifacts, r.StagedState.BootArtifacts} {
			if a == (bos.BootArtifacts{}) {
				continue
			}
			id, err := n.find(a)
			if err != nil {
				return err
			}
			if id != 0 {
				continue
			}
			first, again := seen[a]
			if !again {
				seen[a] = r.ID
				continue
			}
			if first != r.ID {
				if _, err := n.add(a); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// append writes a set as the number of its row, or in full.
func (n *interning) append(to []byte, a bos.BootArtifacts) []byte {
	if a == (bos.BootArtifacts{}) {
		return document.AppendArtifacts(to, a)
	}
	id, err := n.find(a)
	if err != nil || id == 0 { // the write of the record meets the same error
		return document.AppendArtifacts(to, a)
	}
	return strconv.AppendInt(to, id, 10)
}
