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

// arrive reads the first rows, and has the others read. done is called when all are; not if
// there is an error.
func arrive(rows pgx.Rows, types *typeMap, done func()) (*arriving, error) {
	a := &arriving{answer: answer{types: types}, change: sync.Cond{L: &sync.Mutex{}}}
	first, over := readPortion(rows)
	if over {
		rows.Close()
		a.over, a.err = true, rows.Err()
		if a.err == nil {
			done()
		}
	}
	a.fields, a.rows = slices.Clone(rows.FieldDescriptions()), first
	if over {
		return a, a.err
	}
	go func() {
		defer done()
		for over := false; !over; {
			var next [][][]byte
			if next, over = readPortion(rows); over {
				rows.Close()
			}
			a.change.L.Lock()
			a.more = append(a.more, next...)
			if over {
				a.over, a.err = true, rows.Err()
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
