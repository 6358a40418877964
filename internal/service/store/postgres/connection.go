package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

const (
	// roundTrip is how long an exchange with the database may go without a sign of life of
	// it, turnWait likewise while a writer waits for another process to end its transaction.
	roundTrip = 5 * time.Second
	turnWait  = 10 * time.Second
	// putOff bounds the statements that wait to be sent together, and putOffBytes what
	// they hold: more is sent ahead, so that the database works while more is made.
	putOff      = 1000
	putOffBytes = 128 << 10
	// signOfLife is how often a transaction that computes says that it does, for at most
	// longestWrite. One that says nothing for three seconds is undone by the database.
	signOfLife   = time.Second
	longestWrite = 5 * time.Minute
)

// beginning begins a transaction that has the turn. A process that stops in the middle
// of it loses it; what is answered is on the disk, also where the database is set to be
// quicker than that.
//
// The lock is a queue and no more: who waits for a row that is written meanwhile is behind
// those who come later, as what they wait for is the row as it is then. It is not a lock of
// the table: a mode that keeps off its like keeps off the vacuum as well, and each write
// leaves an old version of the row.
//
// No table is read from end to end while an index would do. The database keeps the plan of a
// statement that it made when a room had a few nodes, and would look through the list of
// 10,000 for each row of it: for seconds, in the turn. A statement for which there is no index
// is thought to be costly then, which alone would have it compiled.
var beginning = []string{
	"BEGIN ISOLATION LEVEL READ COMMITTED",
	`SELECT set_config('lock_timeout', '55s', true), set_config('statement_timeout', '56s', true),
set_config('idle_in_transaction_session_timeout', '3s', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)`,
	"SELECT pg_advisory_xact_lock(" + lineOfTurn + ")",
}

// lineOfTurn is the number of that lock: it is of the table, of which another schema of the
// same database has another one. lineClass is its upper half, and the number of the table
// the lower.
const (
	lineClass  = "6451059"
	lineOfTurn = "(" + lineClass + "::bigint << 32) + 'turn'::regclass::oid::bigint"
)

const (
	// takeTurn also tells whether a newer program has upgraded the tables meanwhile,
	// which process of the database it is, as a pooler may be between, and in which history
	// was written last and is now (history.go).
	takeTurn = "SELECT writer, (SELECT MAX(version_id) FROM goose_db_version), pg_backend_pid(), history, %s FROM turn FOR UPDATE"
	keepTurn = "UPDATE turn SET writer = $1"
	// tellOthers tells them when the transaction is committed.
	tellOthers = "SELECT pg_notify($1, $2)"
)

// connection is the one that writes. Statements that answer nothing are put off and
// sent with the next that does: a transaction takes a few exchanges, however much it
// writes.
type connection struct {
	connect func(ctx context.Context) (*pgx.Conn, error)
	log     *slog.Logger
	// id is what the row of the turn calls this process, and version that of the tables
	// which it knows.
	id      string
	version int64
	// conn is nil while there is none, and history how it is asked for the history of the
	// database.
	conn    *pgx.Conn
	history string
	// lost is why the connection was lost that was the last, where that is known.
	lost error
	// waiting is what is put off, and size what it holds.
	waiting []tables.Statement
	size    int
	// ahead is what was sent ahead, nil while there is nothing.
	ahead *ahead
	// marked is how much of what is put off is of before the current job. sent says that
	// something was sent that the job writes: what it has only read needs no undoing.
	marked int
	sent   bool
	// last says that this process wrote last, wrote that it writes, wroteBefore that it did
	// before the current job, and kept that a job has ended well.
	last, wrote, wroteBefore, kept bool
	// touched is how many rows the statements of the transaction did that were put off,
	// which wroteRows is told when it is committed.
	touched   int64
	wroteRows func(rows int64)
	// demoted is called when the database takes no writes any more.
	demoted func()
	// works reports whether a process of the database is at work, and server is that of the
	// open transaction, 0 while it is not known.
	works  func(who asked) bool
	server uint32

	// using is had by who uses conn: beside the writer, its signs of life.
	using sync.Mutex
	alive *time.Timer
	// open says that a transaction is, which began at began.
	open  bool
	began time.Time
}

// Begin waits for the turn.
func (c *connection) Begin(ctx context.Context, questions []tables.Statement) (others bool, answers []tables.Rows, err error) {
	c.waiting, c.size, c.wrote, c.kept, c.touched, c.server = c.waiting[:0], 0, false, false, 0, 0
	fresh := c.conn == nil
	writer, answers, err := c.begin(ctx, questions)
	if err != nil && !fresh && c.conn == nil {
		// The connection was lost since the last transaction, which says nothing of
		// the database: nothing was asked of it yet.
		writer, answers, err = c.begin(ctx, questions)
	}
	if err != nil {
		return false, nil, err
	}
	c.last = writer == c.id
	c.opened(true)
	return !c.last, answers, nil
}

// begin begins with one exchange: what is asked behind the turn is answered by what is so
// then, as each statement sees what is committed when its own turn comes.
func (c *connection) begin(ctx context.Context, questions []tables.Statement) (writer string, answers []tables.Rows, err error) {
	if c.conn == nil {
		c.lost = nil
		if c.conn, err = c.connect(ctx); err != nil {
			c.conn = nil
			return "", nil, err
		}
		if c.history, err = namesHistory(ctx, c.conn); err != nil {
			c.drop()
			return "", nil, err
		}
	}
	for _, query := range beginning {
		c.waiting = append(c.waiting, tables.Statement{Query: query})
	}
	asked := []tables.Statement{{Query: fmt.Sprintf(takeTurn, c.history)}}
	for _, q := range questions {
		asked = append(asked, tables.Statement{Query: q.Query, Args: kept(q.Args)})
	}
	stop := c.watchTurn()
	all, err := c.exchange(ctx, turnWait, asked...)
	stop()
	var was, is string
	if len(all) > 0 {
		var version int64
		scanned := all[0].first().Scan(&writer, &version, &c.server, &was, &is)
		if scanned == nil && version > c.version {
			c.rollBack(ctx)
			return "", nil, outdated(version, c.version)
		}
		if scanned != nil {
			err = scanned
		}
	}
	if err != nil && len(all) == 0 {
		err = fmt.Errorf("wait for the turn to write: %w", err)
	} else if err != nil {
		err = fmt.Errorf("read whose turn it is to write: %w; is it a database of this program?", err)
	}
	if err != nil {
		c.rollBack(ctx)
		return "", nil, err
	}
	if is != "" && is != was {
		if err := c.beginHistory(ctx, was, is); err != nil {
			return "", nil, err
		}
		return c.begin(ctx, questions)
	}
	for i := range questions {
		answers = append(answers, &all[i+1])
	}
	return writer, answers, nil
}

// Commit sends what was put off and commits. Where all was refused, as looks at the lease of
// another are, nothing comes to the disk.
func (c *connection) Commit(ctx context.Context) error {
	if !c.wrote && !c.kept {
		c.opened(false)
		c.rollBack(ctx)
		return nil
	}
	if c.wrote && !c.last {
		c.waiting = append(c.waiting, tables.Statement{Query: keepTurn, Args: []any{c.id}})
	}
	if c.wrote {
		c.waiting = append(c.waiting, tables.Statement{Query: tellOthers, Args: []any{channel, c.id}})
	}
	_, err := c.exchange(ctx, roundTrip, tables.Statement{Query: "COMMIT"})
	if err == nil {
		c.opened(false)
		c.wroteRows(c.touched)
	}
	return err
}

// Rollback undoes the transaction. Where its data was refused, those that share it are
// to have one each: one of them is at fault.
func (c *connection) Rollback(ctx context.Context, why error) error {
	_ = c.landed() // it is undone as well, whatever became of it
	c.opened(false)
	c.rollBack(ctx)
	if c.conn != nil && refusesData(why) && !errors.As(why, new(*tables.ApartError)) {
		return &tables.ApartError{Why: why}
	}
	return why
}

func (c *connection) rollBack(ctx context.Context) {
	c.waiting, c.size = c.waiting[:0], 0
	if c.conn == nil {
		return
	}
	ctx, done := context.WithTimeout(ctx, roundTrip)
	defer done()
	if _, err := c.conn.Exec(ctx, "ROLLBACK"); err != nil {
		c.drop()
	}
}

// drop gives the connection up. The server undoes what it had open.
func (c *connection) drop() {
	if c.conn == nil {
		return
	}
	ctx, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	_ = c.conn.Close(ctx) // it is of no use any more
	c.conn = nil
}

// Mark notes where a job begins.
func (c *connection) Mark(context.Context) error {
	c.marked, c.sent, c.wroteBefore = len(c.waiting), false, c.wrote
	return nil
}

// Keep keeps what it wrote. A job that wrote nothing may be the question whether the database
// takes writes, which a commit answers.
func (c *connection) Keep(context.Context) error {
	c.kept = true
	return nil
}

// Undo forgets what it wrote if that was not sent.
func (c *connection) Undo(_ context.Context, why error) error {
	lost := c.landed() // if it failed otherwise, that shows below
	if c.conn == nil {
		// What others wrote is lost as well, for which the job's own reason says nothing.
		return cmp.Or(lost, c.lostWriting())
	}
	if c.sent || c.conn.PgConn().TxStatus() != 'T' {
		return &tables.ApartError{Why: why}
	}
	c.waiting, c.wrote = c.waiting[:c.marked], c.wroteBefore
	return nil
}

// Exec puts a statement off.
func (c *connection) Exec(ctx context.Context, query string, args ...any) error {
	s := tables.Statement{Query: query, Args: kept(args)}
	c.waiting = append(c.waiting, s)
	c.wrote = true
	for _, arg := range s.Args {
		switch v := arg.(type) {
		case string:
			c.size += len(v)
		case []byte:
			c.size += len(v)
		case []string:
			for _, text := range v {
				c.size += len(text)
			}
		case [][]byte:
			for _, text := range v {
				c.size += len(text)
			}
		}
	}
	if len(c.waiting) < putOff && c.size < putOffBytes {
		return nil
	}
	return c.sendAhead(ctx)
}

// kept are arguments that stay when the writer uses the memory of his again.
func kept(args []any) []any {
	list := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			list[i] = Storable(v)
		case []byte:
			list[i] = bytes.Clone(v)
		case []string:
			texts := make([]string, len(v))
			for i, text := range v {
				texts[i] = Storable(text)
			}
			list[i] = texts
		default:
			list[i] = v
		}
	}
	return list
}

// Counted returns how many rows were touched.
func (c *connection) Counted(ctx context.Context, query string, args ...any) (int64, error) {
	a, err := c.ask(ctx, query, args)
	return a.touched, err
}

// Query reads in the transaction.
func (c *connection) Query(ctx context.Context, query string, args ...any) (tables.Rows, error) {
	a, err := c.ask(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// Row is the first row of a query, or of a statement that writes and returns one.
func (c *connection) Row(ctx context.Context, query string, args ...any) tables.Scanner {
	a, err := c.ask(ctx, query, args)
	if err != nil {
		return failed{err}
	}
	return a.first()
}

// ask sends what was put off with one more statement.
func (c *connection) ask(ctx context.Context, query string, args []any) (answer, error) {
	c.wrote = c.wrote || !strings.HasPrefix(query, "SELECT")
	all, err := c.exchange(ctx, roundTrip, tables.Statement{Query: query, Args: kept(args)})
	if err != nil {
		return answer{}, err
	}
	return all[0], nil
}

// exchange sends what was put off and then asked, and reads the answers of the latter.
func (c *connection) exchange(ctx context.Context, within time.Duration, asked ...tables.Statement) ([]answer, error) {
	if err := c.landed(); err != nil {
		return nil, err
	}
	if c.conn == nil {
		return nil, c.lostWriting()
	}
	batch, put := c.batch(asked)
	if batch.Len() == 0 {
		return nil, nil
	}
	c.using.Lock()
	defer c.using.Unlock()
	if c.open {
		c.alive.Reset(signOfLife)
	}
	ctx, done := c.patient(ctx, within)
	defer done()
	results := c.conn.SendBatch(ctx, batch)
	answers, touched, err := read(results, put, len(asked), c.conn.TypeMap())
	c.touched += touched
	if closed := results.Close(); err == nil {
		err = closed
	}
	return answers, c.judged(ctx, err)
}

// batch is what was put off, and then asked; put is how much the former is.
func (c *connection) batch(asked []tables.Statement) (batch *pgx.Batch, put int) {
	batch = &pgx.Batch{}
	for _, s := range c.waiting {
		batch.Queue(s.Query, s.Args...)
	}
	put = len(c.waiting)
	for _, s := range asked {
		batch.Queue(s.Query, s.Args...)
	}
	c.sent = c.sent || put > c.marked || slices.ContainsFunc(asked, func(s tables.Statement) bool { return !strings.HasPrefix(s.Query, "SELECT") })
	c.waiting, c.size, c.marked = c.waiting[:0], 0, 0
	return batch, put
}

// read reads the answers behind those of what was put off, of an error those before it; the
// latter touched so many rows.
func read(results pgx.BatchResults, put, asked int, types *typeMap) (answers []answer, touched int64, err error) {
	for range put {
		tag, err := results.Exec()
		if err != nil {
			return nil, touched, err
		}
		touched += tag.RowsAffected()
	}
	answers = make([]answer, asked)
	for i := range answers {
		rows, err := results.Query()
		if err == nil {
			answers[i], err = readAll(rows, types)
		}
		if err != nil {
			return answers[:i], touched, err
		}
	}
	return answers, touched, nil
}

// judged gives a connection up that is of no use any more: that is lost, or leads to a
// database that takes no writes, which was a primary once.
func (c *connection) judged(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if c.lost != nil { // of which this is the consequence
		err = c.lost
	}
	if sqlState(err) == "25006" {
		c.drop()
		c.demoted()
	}
	if sqlState(err) == "25P03" {
		err = fmt.Errorf("this process was stopped in the middle of a write, which the database has undone: %w", err)
	}
	if c.conn != nil && c.conn.IsClosed() {
		c.conn = nil
		err = judgedGone(ctx, err)
	}
	if c.conn == nil {
		c.lost = err
	}
	return err
}

// Rest has nothing to do.
func (c *connection) Rest(context.Context) {}

// Judge adds what can be done about an error.
func (c *connection) Judge(err error) error { return troubled(err) }

// Close closes the connection.
func (c *connection) Close() error {
	_ = c.landed() // its transaction ends with the connection
	c.using.Lock()
	defer c.using.Unlock()
	c.drop()
	return nil
}
