package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	// queueLength bounds the writers waiting; more wait to be let in.
	queueLength = 1024
	// groupSize bounds how many share one commit.
	groupSize = 256
)

var errClosed = errors.New("the database is closed")

// writer runs write closures one after the other, each in a savepoint, and
// commits those that wait together in one transaction.
type writer struct {
	tx    *tx
	queue chan *job
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once
	// committed is called after each commit that wrote events, from the
	// writer's goroutine.
	committed func()
	// trouble is why the last transaction could not be written, nil if it could;
	// damage is the first error that said that the file is damaged, which no write
	// to another part of it mends.
	trouble, damage atomic.Pointer[error]
	// prune runs at the end of each transaction that wrote events.
	prune func(ctx context.Context, t *tx) error
	// rest runs after each transaction, when those that waited for it have their
	// answers.
	rest func(ctx context.Context)
	// lost is why what would be written now would be lost, nil if it would not.
	lost func() error
}

// tx is the one connection that writes. Statements are prepared once.
type tx struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	// events counts those that the open transaction wrote.
	events int
	// unpruned counts those written since the oldest were looked at.
	unpruned int
	feed     feed
	sets     sets
	// wrote and failed say what the statements of the open transaction did.
	wrote  bool
	failed error
}

func (t *tx) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := t.stmts[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(ctx, query)
	if err == nil {
		t.stmts[query] = s
	}
	return s, err
}

func (t *tx) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := t.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time; the connection's end closes it
	if err != nil {
		t.failed = err
		return nil, err
	}
	result, err := s.ExecContext(ctx, args...)
	if err != nil {
		t.failed = err
		return nil, err
	}
	for _, verb := range []string{"INSERT", "UPDATE", "DELETE"} {
		t.wrote = t.wrote || strings.HasPrefix(query, verb)
	}
	return result, nil
}

func (t *tx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time; the connection's end closes it
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// row is the first row of a query.
func (t *tx) row(ctx context.Context, query string, args ...any) scanner {
	s, err := t.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time; the connection's end closes it
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(ctx, args...)
}

// scanner is a row.
type scanner interface{ Scan(dest ...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

type job struct {
	ctx    context.Context //nolint:containedctx // a job waits in the queue with the context it was sent with
	run    func(ctx context.Context, t *tx) error
	err    error
	result chan error
}

func newWriter(conn *sql.Conn) *writer {
	return &writer{
		tx: &tx{conn: conn, stmts: make(map[string]*sql.Stmt)}, queue: make(chan *job, queueLength),
		stop: make(chan struct{}), done: make(chan struct{}), lost: func() error { return nil },
	}
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.stop) })
	<-w.done
	var errs []error
	for query, s := range w.tx.stmts {
		delete(w.tx.stmts, query)
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.tx.conn.Close())...)
}

// do runs the closure and returns after its commit is durable.
func (w *writer) do(ctx context.Context, run func(ctx context.Context, t *tx) error) error {
	j := &job{ctx: ctx, run: run, result: make(chan error, 1)}
	select {
	case w.queue <- j:
	case <-w.stop:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.result:
		return err
	case <-w.done:
		select {
		case err := <-j.result:
			return err
		default:
			return errClosed
		}
	}
}

func (w *writer) loop() {
	defer close(w.done)
	for {
		select {
		case j := <-w.queue:
			w.group(j)
		case <-w.stop:
			for {
				select {
				case j := <-w.queue:
					w.group(j)
				default:
					return
				}
			}
		}
	}
}

// group commits the first job with all that wait behind it.
func (w *writer) group(first *job) {
	jobs := []*job{first}
	for len(jobs) < groupSize {
		select {
		case j := <-w.queue:
			jobs = append(jobs, j)
			continue
		default:
		}
		break
	}
	err := troubled(w.commit(jobs))
	w.judge(err)
	for _, j := range jobs {
		if of := cmp.Or(err, j.err); malformed(of) {
			w.damage.CompareAndSwap(nil, &of)
		}
	}
	if err != nil {
		for _, j := range jobs {
			j.err = err
		}
	} else if w.tx.events > 0 {
		w.committed()
	}
	for _, j := range jobs {
		j.result <- j.err
	}
	w.rest(context.Background())
}

// judge keeps whether the database takes writes: a statement or commit that failed
// says no, one that wrote says yes, and one that had nothing to write nothing.
func (w *writer) judge(err error) {
	switch err = cmp.Or(err, w.tx.failed); {
	case err != nil:
		w.trouble.Store(&err)
	case w.tx.wrote:
		w.trouble.Store(nil)
	}
}

func (w *writer) commit(jobs []*job) error {
	ctx := context.Background()
	w.tx.wrote, w.tx.failed = false, nil
	w.tx.events, w.tx.feed.newest, w.tx.feed.writes = 0, 0, w.tx.feed.writes[:0]
	if err := w.lost(); err != nil {
		return err
	}
	if _, err := w.tx.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		// One that a failed commit may have left open must not stop the
		// next group as well.
		_, _ = w.tx.exec(ctx, "ROLLBACK")
		if locked(err) {
			return fmt.Errorf("another process has been in the middle of a write all the time; if it is stopped let it go on, if it hangs end it: %w", err)
		}
		return fmt.Errorf("begin a transaction: %w", err)
	}
	err := w.tx.refresh(ctx)
	if err == nil {
		err = w.run(ctx, jobs)
	}
	if err == nil {
		if _, err = w.tx.exec(ctx, "COMMIT"); err == nil {
			return nil
		}
		err = fmt.Errorf("commit: %w", err)
	}
	w.tx.sets.forget()
	if _, undo := w.tx.exec(ctx, "ROLLBACK"); undo != nil && TroubleOf(err) == TroubleOther {
		err = errors.Join(err, fmt.Errorf("undo a failed commit: %w", undo))
	}
	return err
}

func (w *writer) run(ctx context.Context, jobs []*job) error {
	for _, j := range jobs {
		if err := w.tx.savepoint(ctx, j); err != nil {
			return err
		}
	}
	if err := w.tx.tell(ctx); err != nil || w.tx.events == 0 {
		return err
	}
	return w.prune(ctx, w.tx)
}

// savepoint runs one job; its own failure undoes its own writes only.
func (t *tx) savepoint(ctx context.Context, j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil //nolint:nilerr // the job has its error; the others go on
	}
	if _, err := t.exec(ctx, "SAVEPOINT job"); err != nil {
		return fmt.Errorf("open a savepoint: %w", err)
	}
	events, writes := t.events, len(t.feed.writes)
	t.feed.numbered = false
	if j.err = guarded(ctx, t, j.run); j.err != nil {
		t.events, t.feed.writes = events, t.feed.writes[:writes]
		t.sets.forget()
		if _, err := t.exec(ctx, "ROLLBACK TO job"); err != nil {
			if TroubleOf(j.err) != TroubleOther {
				return j.err // SQLite has undone all that was open, as on a full disk
			}
			return errors.Join(j.err, fmt.Errorf("undo a failed write: %w", err))
		}
	}
	if _, err := t.exec(ctx, "RELEASE job"); err != nil {
		return fmt.Errorf("release a savepoint: %w", err)
	}
	return nil
}

// guarded turns a panic of a caller's closure into its error.
func guarded(ctx context.Context, t *tx, run func(context.Context, *tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write failed unexpectedly: %v", p)
		}
	}()
	return run(ctx, t)
}
