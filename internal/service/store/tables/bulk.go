package tables

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Where a database takes arrays, many records that change in the same columns are written by
// one statement, a column an array: each statement costs as much again as its row.

const (
	// bulkFrom is from how many records on they are gathered, and bulkSize how many one
	// statement writes: what it takes in memory is bounded, and the database has its first
	// ones to work on while the others are made.
	bulkFrom = loadAtOnce
	bulkSize = 250
)

// kind is what the values of a column are given as.
type kind int

const (
	integers kind = iota
	texts
	// numericTexts are numbers that are given as texts, as filters are.
	numericTexts
	documents
)

func (k kind) array() string { return [...]string{"bigint[]", "text[]", "text[]", "bytea[]"}[k] }

// column is one that a statement writes.
type column struct {
	name string
	kind kind
}

// columnsOf are those that an update of the changed filter columns writes, or an insert of
// all of them, in the order of its arguments.
func columnsOf(changed int) []column {
	list := []column{{"revision", integers}, {"document", documents}, {"work", texts}, {"goal", texts}, {"tenant", texts}, {"attempts", integers}}
	for i, name := range filterColumns {
		if changed>>i&1 == 0 {
			continue
		}
		k := texts
		if name == "enabled" || name == "confirmed" {
			k = numericTexts
		}
		list = append(list, column{name, k})
	}
	if changed&statusColumns != 0 {
		list = append(list, column{"since", integers})
	}
	return append(list, column{"id", texts})
}

// bulkUpdates are the statements for each set of columns that changed, and bulkInsert that
// for new records.
var (
	bulkUpdates = func() (list [1 << len(filterColumns)]string) {
		for changed := range list {
			columns := columnsOf(changed)
			set := make([]string, 0, len(columns))
			for i, c := range columns[:len(columns)-1] {
				set = append(set, c.name+" = "+c.value(i))
			}
			list[changed] = "UPDATE components SET " + strings.Join(set, ", ") + " FROM " + unnested(columns) + " WHERE components.id = e.c" + strconv.Itoa(len(columns))
		}
		return list
	}()
	bulkInsert = func() string {
		columns := columnsOf(1<<len(filterColumns) - 1)
		names, values := make([]string, len(columns)), make([]string, len(columns))
		for i, c := range columns {
			names[i], values[i] = c.name, c.value(i)
		}
		return "INSERT INTO components (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(values, ", ") + " FROM " + unnested(columns)
	}()
)

func (c column) value(i int) string {
	value := "e.c" + strconv.Itoa(i+1)
	if c.kind == numericTexts {
		return "CAST(" + value + " AS bigint)"
	}
	return value
}

// unnested are the rows of the arrays that are given for columns.
func unnested(columns []column) string {
	arrays, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		arrays[i] = fmt.Sprintf("CAST(?%d AS %s)", i+1, c.kind.array())
		names[i] = "c" + strconv.Itoa(i+1)
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") AS e(" + strings.Join(names, ", ") + ")"
}

// bulk are records that are written by one statement, a column an array.
type bulk struct {
	query string
	size  int
	args  []any
}

// add takes in the arguments of one record.
func (b *bulk) add(args []any) {
	if b.args == nil {
		b.args = make([]any, len(args))
	}
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			b.args[i] = appended(b.args[i], v)
		case string:
			b.args[i] = appended(b.args[i], v)
		case []byte:
			b.args[i] = appended(b.args[i], bytes.Clone(v))
		}
	}
	b.size++
}

// appended is a column with one more value.
func appended[T any](column any, v T) []T {
	all, _ := column.([]T)
	if all == nil {
		all = make([]T, 0, bulkSize)
	}
	return append(all, v)
}

// later gathers what is written of a record by a statement for many.
func (w *componentWriter) later(query string) error {
	at := slices.IndexFunc(w.bulks, func(b *bulk) bool { return b.query == query })
	if at < 0 {
		at = len(w.bulks)
		w.bulks = append(w.bulks, &bulk{query: query})
	}
	b := w.bulks[at]
	b.add(w.args)
	if b.size < bulkSize {
		return nil
	}
	w.bulks = slices.Delete(w.bulks, at, at+1)
	return w.tx.exec(w.ctx, b.query, b.args...)
}

// writeBulks writes what was gathered.
func (w *componentWriter) writeBulks() error {
	for _, b := range w.bulks {
		if err := w.tx.exec(w.ctx, b.query, b.args...); err != nil {
			return fmt.Errorf("write %d components: %w", b.size, err)
		}
	}
	w.bulks = nil
	return nil
}
