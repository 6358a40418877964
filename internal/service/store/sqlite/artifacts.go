package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	selectArtifacts = "SELECT kernel, kernel_parameters, initrd FROM artifacts WHERE id = ?"
	findArtifacts   = "SELECT id FROM artifacts WHERE kernel = ? AND kernel_parameters = ? AND initrd = ?"
	addArtifacts    = "INSERT INTO artifacts (kernel, kernel_parameters, initrd) VALUES (?, ?, ?)"
	// maxInterned bounds the sets kept in memory; each is 4 KiB or less
	// where the limits of the API hold. More are read again.
	maxInterned = 4096
)

// interned is the sets of boot artifacts that are known to be on the disk.
// Rows never change, and are never removed.
type interned struct {
	mu    sync.RWMutex
	byID  map[int64]bos.BootArtifacts
	byArt map[bos.BootArtifacts]int64
}

func (n *interned) get(id int64) (bos.BootArtifacts, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	a, ok := n.byID[id]
	return a, ok
}

func (n *interned) find(a bos.BootArtifacts) (int64, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.byArt[a]
	return id, ok
}

func (n *interned) put(id int64, a bos.BootArtifacts) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.byID) >= maxInterned || n.byID == nil {
		n.byID, n.byArt = make(map[int64]bos.BootArtifacts), make(map[bos.BootArtifacts]int64)
	}
	n.byID[id], n.byArt[a] = a, id
}

// committedArtifacts resolves a set that is on the disk.
func (s *Store) committedArtifacts(ctx context.Context, id int64) (bos.BootArtifacts, error) {
	if a, ok := s.interned.get(id); ok {
		return a, nil
	}
	var a bos.BootArtifacts
	err := s.read.QueryRowContext(context.WithoutCancel(ctx), selectArtifacts, id).Scan(&a.Kernel, &a.KernelParameters, &a.Initrd)
	if err != nil {
		return a, fmt.Errorf("boot artifacts %d: %w", id, err)
	}
	s.interned.put(id, a)
	return a, nil
}

// interning resolves and finds sets inside a transaction. What the transaction
// itself adds is not known outside before it is committed.
type interning struct {
	store *Store
	ctx   context.Context //nolint:containedctx // lives as long as one write
	tx    *tx
	own   map[int64]bos.BootArtifacts
	ids   map[bos.BootArtifacts]int64 // 0 for one that is not interned
	// last is the set that was found last, most often the next one too.
	last   bos.BootArtifacts
	lastID int64
}

func (s *Store) interning(ctx context.Context, t *tx) *interning {
	return &interning{store: s, ctx: ctx, tx: t, own: map[int64]bos.BootArtifacts{}, ids: map[bos.BootArtifacts]int64{}}
}

func (n *interning) resolve(id int64) (bos.BootArtifacts, error) {
	if a, ok := n.own[id]; ok {
		return a, nil
	}
	a, err := n.store.committedArtifacts(n.ctx, id)
	if notThere(err) {
		err = n.tx.row(n.ctx, selectArtifacts, id).Scan(&a.Kernel, &a.KernelParameters, &a.Initrd)
	}
	if err != nil {
		return a, fmt.Errorf("boot artifacts %d: %w", id, err)
	}
	n.own[id] = a
	return a, nil
}

// find is the row of a set, 0 if it has none.
func (n *interning) find(a bos.BootArtifacts) (int64, error) {
	if n.lastID != 0 && a == n.last {
		return n.lastID, nil
	}
	if id, ok := n.ids[a]; ok {
		n.last, n.lastID = a, id
		return id, nil
	}
	id, ok := n.store.interned.find(a)
	if !ok {
		err := n.tx.row(n.ctx, findArtifacts, a.Kernel, a.KernelParameters, a.Initrd).Scan(&id)
		if err != nil && !notThere(err) {
			return 0, fmt.Errorf("look for boot artifacts: %w", err)
		}
	}
	n.ids[a] = id
	return id, nil
}

// add is the row of a set, a new one if it has none.
func (n *interning) add(a bos.BootArtifacts) (int64, error) {
	id, err := n.find(a)
	if err != nil || id != 0 {
		return id, err
	}
	res, err := n.tx.exec(n.ctx, addArtifacts, a.Kernel, a.KernelParameters, a.Initrd)
	if err != nil {
		return 0, fmt.Errorf("write boot artifacts: %w", err)
	}
	if id, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	n.ids[a], n.own[id] = id, a
	return id, nil
}

// share interns the sets that more than one of the records has. One that a
// single node has, with parameters of its own, stays in its document: nothing
// would ever take the row away again.
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
		return bos.AppendArtifacts(to, a)
	}
	id, err := n.find(a)
	if err != nil || id == 0 { // the write of the record meets the same error
		return bos.AppendArtifacts(to, a)
	}
	return strconv.AppendInt(to, id, 10)
}

const (
	artifactsMember = `"boot_artifacts":`
	statusMember    = `"status":{`
)

// appendShown appends a stored document as the API answers it: with the boot
// artifacts in full and the derived status word. Inside a text a quotation
// mark has a backslash in front, so that the names are found nowhere else.
func appendShown(to []byte, document, status string, resolve func(id int64) ([]byte, error)) ([]byte, error) {
	for {
		at := strings.Index(document, artifactsMember)
		if at < 0 {
			break
		}
		at += len(artifactsMember)
		to = append(to, document[:at]...)
		document = document[at:]
		end := 0
		for end < len(document) && document[end] >= '0' && document[end] <= '9' {
			end++
		}
		if end == 0 {
			continue
		}
		id, err := strconv.ParseInt(document[:end], 10, 64)
		if err != nil {
			return to, fmt.Errorf("stored record: boot artifacts %q: %w", document[:end], err)
		}
		a, err := resolve(id)
		if err != nil {
			return to, err
		}
		to, document = append(to, a...), document[end:]
	}
	at := strings.LastIndex(document, statusMember)
	if at < 0 {
		return to, errors.New("stored record: no status")
	}
	at += len(statusMember)
	to = append(to, document[:at]...)
	to = append(bos.AppendText(append(to, `"status":`...), status), ',')
	return append(to, document[at:]...), nil
}
