package postgres

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

type typeMap = pgtype.Map

// answer is what a statement answered, read to its end: who goes through the rows may
// ask for more over the same connection.
type answer struct {
	types   *typeMap
	fields  []pgconn.FieldDescription
	rows    [][][]byte
	at      int // of the row that is next
	touched int64
}

func readAll(rows pgx.Rows, types *typeMap) (answer, error) {
	defer rows.Close()
	a := answer{types: types}
	for rows.Next() {
		a.rows = append(a.rows, keptRow(rows.RawValues()))
	}
	rows.Close()
	a.fields, a.touched = slices.Clone(rows.FieldDescriptions()), rows.CommandTag().RowsAffected()
	return a, rows.Err()
}

// keptRow is a row that stays when the next one is read.
func keptRow(raw [][]byte) [][]byte {
	size := 0
	for _, value := range raw {
		size += len(value)
	}
	memory, row := make([]byte, 0, size), make([][]byte, len(raw))
	for i, value := range raw {
		if value != nil {
			from := len(memory)
			memory = append(memory, value...)
			row[i] = memory[from:len(memory):len(memory)]
		}
	}
	return row
}

// Next goes to the next row.
func (a *answer) Next() bool {
	a.at++
	return a.at <= len(a.rows)
}

// Scan reads the row.
func (a *answer) Scan(dest ...any) error {
	row := a.rows[a.at-1]
	for i := range dest {
		if err := a.scan(a.fields[i], row[i], dest[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) scan(field pgconn.FieldDescription, value []byte, dest any) error {
	if value != nil && simple(field, value, dest) {
		return nil
	}
	bytea := field.DataTypeOID == pgtype.ByteaOID
	switch to := dest.(type) {
	case *string:
		if bytea { // a pooler that keeps no statements has bytes come as text
			var text []byte
			err := a.types.Scan(field.DataTypeOID, field.Format, value, &text)
			*to = string(text)
			return err
		}
		err := a.types.Scan(field.DataTypeOID, field.Format, value, to)
		*to = Given(*to)
		return err
	case *[]byte:
		err := a.types.Scan(field.DataTypeOID, field.Format, value, to)
		if !bytea && bytes.Contains(*to, []byte(forNUL[:3])) {
			*to = []byte(Given(string(*to)))
		}
		return err
	case *bool:
		if field.DataTypeOID != pgtype.Int8OID {
			break
		}
		var number int64
		err := a.types.Scan(field.DataTypeOID, field.Format, value, &number)
		*to = number != 0
		return err
	}
	return a.types.Scan(field.DataTypeOID, field.Format, value, dest)
}

// simple reads what nearly all columns are, in a tenth of the time: a text, bytes or a number
// as they come over the wire.
func simple(field pgconn.FieldDescription, value []byte, dest any) bool {
	inBinary := field.Format == pgx.BinaryFormatCode
	switch to := dest.(type) {
	case *string:
		switch {
		case field.DataTypeOID == pgtype.TextOID:
			*to = Given(string(value))
		case field.DataTypeOID == pgtype.ByteaOID && inBinary:
			*to = string(value)
		default:
			return false
		}
		return true
	case *int64:
		if field.DataTypeOID != pgtype.Int8OID || !inBinary || len(value) != 8 {
			return false
		}
		*to = int64(binary.BigEndian.Uint64(value))
		return true
	}
	return false
}

// Err is nil: all was read.
func (a *answer) Err() error { return nil }

// Close has nothing to close.
func (a *answer) Close() error { return nil }

// first is the first row.
func (a *answer) first() firstRow { return firstRow{a} }

type firstRow struct{ *answer }

// Scan reads the first row; sql.ErrNoRows if there is none.
func (r firstRow) Scan(dest ...any) error {
	if !r.Next() {
		return sql.ErrNoRows
	}
	return r.answer.Scan(dest...)
}

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }
