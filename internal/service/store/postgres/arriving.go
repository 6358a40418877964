package postgres

import (
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
)

// portion is how many rows are handed over together while others are on their way.
const portion = 64

// arriving are the rows of an answer, which are read while the first of them are gone
// through: the database sends, and who asked decodes, at the same time. They are read to
// their end however slowly they are gone through, and whether or not.
type arriving struct {
	answer // what was taken of them

	change sync.Cond
	more   [][][]byte // what is there and was not taken
	over   bool
	err    error
}

// arrive reads the first rows, and has the others read. over is called when all are, with how
// that ended, and says what it means; not if there is an error.
func arrive(rows pgx.Rows, types *typeMap, over func(error) error) (*arriving, error) {
	a := &arriving{answer: answer{types: types}, change: sync.Cond{L: &sync.Mutex{}}}
	first, all := readPortion(rows)
	if all {
		rows.Close()
		a.over, a.err = true, rows.Err()
		if a.err == nil {
			_ = over(nil)
		}
	}
	a.fields, a.rows = slices.Clone(rows.FieldDescriptions()), first
	if all {
		return a, a.err
	}
	go func() {
		for all := false; !all; {
			var next [][][]byte
			var err error
			if next, all = readPortion(rows); all {
				rows.Close()
				err = over(rows.Err())
			}
			a.change.L.Lock()
			a.more = append(a.more, next...)
			if all {
				a.over, a.err = true, err
			}
			a.change.L.Unlock()
			a.change.Broadcast()
		}
	}()
	return a, nil
}

// readPortion reads a portion, and says whether there are no more.
func readPortion(rows pgx.Rows) (list [][][]byte, over bool) {
	for len(list) < portion {
		if !rows.Next() {
			return list, true
		}
		if list == nil {
			list = make([][][]byte, 0, portion)
		}
		list = append(list, keptRow(rows.RawValues()))
	}
	return list, false
}

// Next goes to the next row, for which it waits.
func (a *arriving) Next() bool {
	if a.answer.Next() {
		return true
	}
	a.change.L.Lock()
	defer a.change.L.Unlock()
	for len(a.more) == 0 && !a.over {
		a.change.Wait()
	}
	a.rows, a.more, a.at = a.more, nil, 1
	return len(a.rows) > 0
}

// Err is why there are no more rows, nil if there were none.
func (a *arriving) Err() error {
	a.change.L.Lock()
	defer a.change.L.Unlock()
	if a.over {
		return a.err
	}
	return nil
}

// arrived waits until all rows are read: the connection is free then.
func (a *arriving) arrived() {
	if a == nil {
		return
	}
	a.change.L.Lock()
	defer a.change.L.Unlock()
	for !a.over {
		a.change.Wait()
	}
}
