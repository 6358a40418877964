package tables

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Dialect is what databases say differently. The statements of this package are of the
// SQL that SQLite and PostgreSQL share, with ? and ?1 for arguments and these words:
//
//	LIST(?)          the texts (value) of a JSON array, with their places from 0 (key)
//	PAIRS(?)         the arrays (value) of a JSON array likewise; value ->> 0 is a text
//	FIELD(x, a.b)    the text of a member of the JSON object x
//	OBJECT(x, a)     the JSON of a member
//	DOCUMENT(?)      the document of a component, which is given as bytes
//	FOUND(t, c, ?)   the rows of a table whose column c is one of the texts of a JSON array:
//	                 each is looked up by that, whatever else is asked of the rows;
//	                 FOUND(t, c, ?2, s = ?1) looks each up by another column too
//	MEMBERS(?1, ?2)  whether a row of session_nodes is of a session and of one of the
//	                 components of a JSON array; each is looked up by both
//
// The last two are for what a database plans by how many rows it takes a session for, which
// is wrong of one that has just been written: it would read all of the nodes of the session,
// and look for each in the list.
type Dialect struct {
	// List, Pairs, Document, Field and Object are those words, with %s for the argument,
	// and for the path to a member.
	List, Pairs, Document string
	Field, Object         string
	// Found is that word, with %[1]s for the table, %[2]s for its column and %[3]s for the
	// argument, and FoundOf that with %[4]s for the other column (s = ?1). Members is that
	// word, with %[1]s for the session and %[2]s for the components.
	Found, FoundOf, Members string
	// Path is how a path is written, by its members.
	Path func(members []string) string
	// Count has a table counted anew, after which a session is known to be large; it is
	// empty where no plan depends on that.
	Count string
	// Dollars says that arguments are $1, and Arrays that lists may be given as arrays, whose
	// rows are had by unnest.
	Dollars, Arrays bool
	// LastEvent reads the number of the last event that there was, and KeepLastEvent
	// writes it; the latter is empty where the database keeps it by itself.
	LastEvent, KeepLastEvent string

	known sync.Map // the statements that were asked for
}

var (
	words     = regexp.MustCompile(`\b(LIST|PAIRS|DOCUMENT)\((\?\d*)\)|\b(FIELD|OBJECT)\(([\w.]+), ([\w.]+)\)|\bFOUND\((\w+), (\w+), (\?\d*)(?:, (\w+ = \?\d*))?\)|\bMEMBERS\((\?\d*), (\?\d*)\)`)
	arguments = regexp.MustCompile(`\?\d*`)
)

// SQL is a statement of this package in the words of the database.
func (d *Dialect) SQL(query string) string {
	if said, ok := d.known.Load(query); ok {
		return said.(string) //nolint:forcetypeassert // nothing else is put there
	}
	said := words.ReplaceAllStringFunc(query, func(word string) string {
		m := words.FindStringSubmatch(word)
		switch {
		case m[1] == "LIST":
			return fmt.Sprintf(d.List, m[2])
		case m[1] == "PAIRS":
			return fmt.Sprintf(d.Pairs, m[2])
		case m[1] == "DOCUMENT":
			return fmt.Sprintf(d.Document, m[2])
		case m[3] == "FIELD":
			return fmt.Sprintf(d.Field, m[4], d.Path(strings.Split(m[5], ".")))
		case m[3] == "OBJECT":
			return fmt.Sprintf(d.Object, m[4], d.Path(strings.Split(m[5], ".")))
		case m[6] != "":
			if by := m[9]; by != "" {
				return fmt.Sprintf(d.FoundOf, m[6], m[7], m[8], by)
			}
			return fmt.Sprintf(d.Found, m[6], m[7], m[8])
		default:
			return fmt.Sprintf(d.Members, m[10], m[11])
		}
	})
	if d.Dollars {
		n := 0
		said = arguments.ReplaceAllStringFunc(said, func(argument string) string {
			if argument == "?" {
				n++
				return "$" + strconv.Itoa(n)
			}
			return "$" + argument[1:]
		})
	}
	d.known.Store(query, said)
	return said
}

// ApartError is the answer of a Connection that what a job wrote cannot be undone without
// what others wrote in the same transaction, which is undone: each is to have one of its
// own. Why is what went wrong.
type ApartError struct{ Why error }

// Error says it.
func (e *ApartError) Error() string { return e.Why.Error() }

// Unwrap is why.
func (e *ApartError) Unwrap() error { return e.Why }

// Scanner is a row.
type Scanner interface{ Scan(dest ...any) error }

// Rows are the rows of a query.
type Rows interface {
	Scanner
	Next() bool
	Err() error
	Close() error
}

// Querier is a connection that reads. More may be asked of it while rows are gone through.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// Readers are connections that read. Who asks for one waits until the context ends, and
// then has it until read returns.
type Readers interface {
	Reading(ctx context.Context, read func(Querier) error) error
	// Snapshot asks for several things that all see one state of the database; each is
	// called for every row, with the place of its statement.
	Snapshot(ctx context.Context, list []Statement, each func(i int, row Scanner) error) error
	Close() error
}

// Statement is one in the words of the database, with its arguments.
type Statement struct {
	Query string
	Args  []any
}

// Connection is the one that writes; one goroutine uses it. No other connection, of
// this process or another, writes between its Begin and its Commit. A row that is not
// there is sql.ErrNoRows.
type Connection interface {
	// Begin begins a transaction; others says that somebody else may have written
	// since the last one. It answers the questions, each seeing what is so once nobody
	// else can write, or none of them where they cost no more when they are asked.
	Begin(ctx context.Context, questions []Statement) (others bool, answers []Rows, err error)
	// Commit makes it durable. Rollback undoes it for a reason, and returns this, or an
	// ApartError.
	Commit(ctx context.Context) error
	Rollback(ctx context.Context, why error) error
	// Mark begins the writes of one job; Keep ends them, and Undo undoes them for a
	// reason, or returns an ApartError. An error is one of the whole transaction.
	Mark(ctx context.Context) error
	Keep(ctx context.Context) error
	Undo(ctx context.Context, why error) error
	// Exec writes. It may put that off until something is read or committed, and keeps
	// no argument. Counted returns how many rows were touched.
	Exec(ctx context.Context, query string, args ...any) error
	Counted(ctx context.Context, query string, args ...any) (int64, error)
	Querier
	Row(ctx context.Context, query string, args ...any) Scanner
	// Rest is called between transactions, when the jobs have their answers.
	Rest(ctx context.Context)
	// Judge takes an error of a transaction or a job in, or nil, and adds what can be
	// done about it.
	Judge(err error) error
	Close() error
}
