package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueLength bounds the writers waiting; more wait to be let in.
	queueLength = 1024
	// groupSize bounds how many share one commit.
	groupSize = 256
)

var errClosed = errors.New("the database is closed")

// writer runs write closures one after the other and commits those that wait together
// in one transaction; what one of them has written can be undone alone.
type writer struct {
	tx    *tx
	queue chan *job
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once
	// committed is called after each commit that wrote events, from the
	// writer's goroutine.
	committed func()
	// wrote is told of each transaction; nil is nobody.
	wrote func(Transaction)
	// newest is the last revision that is stored.
	newest atomic.Int64
	// synced is how long the last commit took.
	synced time.Duration
	// trouble is why the last transaction could not be written, nil if it could.
	trouble atomic.Pointer[error]
	// turnTime is for how long further writes begin in one transaction: what waits goes on
	// in the next, behind the other processes. 0 is no bound.
	turnTime time.Duration
	// prune runs at the end of each transaction that wrote events.
	prune func(ctx context.Context, t *tx) error
}

// unknown is no number of an event.
const unknown = -1

// tx is the transaction that is open on the one connection that writes.
type tx struct {
	conn    Connection
	dialect *Dialect
	// events counts those that the open transaction wrote, and eventsBefore is the
	// number of the last one before.
	events       int
	eventsBefore int64
	// unpruned counts those written since the oldest were looked at.
	unpruned int
	feed     feed
	ahead    ahead
	sets     sets
	// others says that somebody else had written before the last transaction.
	others bool
	// wrote and failed say what the statements of the open transaction did.
	wrote  bool
	failed error
}

// fails keeps the error of a statement that writes.
func (t *tx) fails(err error) error {
	if err != nil {
		t.failed = err
	}
	return err
}

// exec writes. Where the connection puts it off, its error comes with a later one.
func (t *tx) exec(ctx context.Context, query string, args ...any) error {
	err := t.fails(t.conn.Exec(ctx, t.dialect.SQL(query), args...))
	t.wrote = t.wrote || err == nil && writes(query)
	return err
}

// counted is exec with how many rows it touched.
func (t *tx) counted(ctx context.Context, query string, args ...any) (int64, error) {
	n, err := t.conn.Counted(ctx, t.dialect.SQL(query), args...)
	t.wrote = t.wrote || err == nil && writes(query)
	return n, t.fails(err)
}

// returned is exec with the rows that it returns.
func (t *tx) returned(ctx context.Context, each func(scanner) error, query string, args ...any) error {
	rows, err := t.query(ctx, query, args...)
	if err == nil {
		err = eachRow(rows, each)
	}
	t.wrote = t.wrote || err == nil && writes(query)
	return t.fails(err)
}

func writes(query string) bool {
	return slices.ContainsFunc([]string{"INSERT", "UPDATE", "DELETE"}, func(verb string) bool { return strings.HasPrefix(query, verb) })
}

func (t *tx) query(ctx context.Context, query string, args ...any) (Rows, error) {
	return t.conn.Query(ctx, t.dialect.SQL(query), args...)
}

// row is the first row of a query, which writes nothing.
func (t *tx) row(ctx context.Context, query string, args ...any) scanner {
	return t.conn.Row(ctx, t.dialect.SQL(query), args...)
}

// scanner is a row.
type scanner = Scanner

type job struct {
	ctx    context.Context //nolint:containedctx // a job waits in the queue with the context it was sent with
	run    func(ctx context.Context, t *tx) error
	loads  []string // components that it will load
	tokens []string // of BSS, whose meaning it will ask for
	err    error
	result chan error
	// state is whether it waits, is being made, or is not to be made any more as who sent
	// it has left.
	state atomic.Int32
}

// The states of a job.
const (
	jobWaits = iota
	jobRuns
	jobLeft
)

func newWriter(conn Connection, dialect *Dialect) *writer {
	return &writer{
		tx: &tx{conn: conn, dialect: dialect}, queue: make(chan *job, queueLength),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.stop) })
	<-w.done
	return w.tx.conn.Close()
}

// do runs the closure and returns after its commit is durable. Who waits for that leaves
// with its context as long as the closure has not begun; afterwards nobody but the database
// says whether it was written.
func (w *writer) do(ctx context.Context, run func(ctx context.Context, t *tx) error) error {
	return w.doWith(ctx, nil, nil, run)
}

// doWith likewise; loads are components that the closure will load, and tokens those whose
// meaning it will ask for, if they are few.
func (w *writer) doWith(ctx context.Context, loads, tokens []string, run func(ctx context.Context, t *tx) error) error {
	j := &job{ctx: ctx, run: run, result: make(chan error, 1)}
	if len(loads) < loadAtOnce && len(tokens) < loadAtOnce {
		j.loads, j.tokens = loads, tokens
	}
	select {
	case w.queue <- j:
	case <-w.stop:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	ended := ctx.Done()
	for {
		select {
		case err := <-j.result:
			return err
		case <-ended:
			if j.state.CompareAndSwap(jobWaits, jobLeft) {
				return ctx.Err()
			}
			ended = nil
			continue
		case <-w.done:
		}
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
	w.commitAll(jobs)
	w.tx.conn.Rest(context.Background())
}

// commitAll commits all jobs. The database fails all, who would wait for it one after the
// other else.
func (w *writer) commitAll(jobs []*job) {
	for len(jobs) > 0 {
		jobs = jobs[w.commitSome(jobs):]
	}
}

// commitSome commits the first jobs together, or each alone where one cannot be undone among
// others, answers them, and returns how many are over: who waits for the next transaction
// may do so for turn after turn.
func (w *writer) commitSome(jobs []*job) (over int) {
	began := time.Now()
	ran, err := w.commit(jobs)
	w.tell(ran, time.Since(began), err)
	var apart *ApartError
	switch {
	case err == nil:
		jobs = jobs[:ran]
	case errors.As(err, &apart):
		if jobs = jobs[:max(ran, 1)]; len(jobs) > 1 {
			for _, j := range jobs {
				w.commitSome([]*job{j})
			}
			return len(jobs)
		}
		// Its transaction was undone, which says nothing of the next one.
		jobs[0].err, err = apart.Why, nil
	}
	err = w.tx.conn.Judge(err)
	w.judge(err)
	for _, j := range jobs {
		if err != nil {
			j.err = err
		}
		j.err = w.tx.conn.Judge(j.err)
	}
	if err == nil && w.tx.events > 0 {
		w.committed()
	}
	for _, j := range jobs {
		j.result <- j.err
	}
	return len(jobs)
}

// tell tells of a transaction.
func (w *writer) tell(jobs int, took time.Duration, err error) {
	if err == nil && w.tx.feed.newest > 0 {
		w.newest.Store(w.tx.feed.newest)
	}
	if w.wrote != nil {
		w.wrote(Transaction{Jobs: jobs, Took: took, Sync: w.synced, Failed: err != nil})
	}
}

// judge keeps whether the database takes writes: a statement or commit that failed
// says no, one that wrote says yes, and one that had nothing to write nothing.
func (w *writer) judge(err error) {
	if err == nil {
		err = w.tx.failed
	}
	switch {
	case err != nil:
		w.trouble.Store(&err)
	case w.tx.wrote:
		w.trouble.Store(nil)
	}
}

// commit runs the first jobs, and commits what they have written.
func (w *writer) commit(jobs []*job) (ran int, err error) {
	ctx := context.Background()
	t := w.tx
	t.wrote, t.failed, w.synced = false, nil, 0
	t.events, t.eventsBefore, t.feed.newest, t.feed.writes = 0, unknown, 0, t.feed.writes[:0]
	others, answers, err := t.conn.Begin(ctx, t.questions(ctx, jobs))
	if err != nil {
		return len(jobs), err
	}
	if t.others = others; others {
		t.sets.forget()
	}
	if err = t.learn(answers); err == nil {
		ran, err = w.run(ctx, jobs)
	}
	if err == nil {
		began := time.Now()
		err = t.conn.Commit(ctx)
		if w.synced = time.Since(began); err == nil {
			return ran, nil
		}
		err = fmt.Errorf("commit: %w", err)
	}
	t.events = 0
	t.sets.forget()
	return ran, t.conn.Rollback(ctx, err)
}

// run runs jobs, and not all of them where others have waited for their turn for long.
func (w *writer) run(ctx context.Context, jobs []*job) (ran int, err error) {
	began := time.Now()
	for _, j := range jobs {
		ran++
		if err := w.tx.run(ctx, j); err != nil {
			return ran, err
		}
		if w.turnTime > 0 && time.Since(began) > w.turnTime {
			break
		}
	}
	if err := w.tx.tell(ctx); err != nil {
		return ran, err
	}
	if err := w.tx.keepLastEvent(ctx); err != nil || w.tx.events == 0 {
		return ran, err
	}
	return ran, w.prune(ctx, w.tx)
}

// run runs one job; its own failure undoes its own writes only.
func (t *tx) run(ctx context.Context, j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil //nolint:nilerr // the job has its error; the others go on
	}
	if !j.state.CompareAndSwap(jobWaits, jobRuns) && j.state.Load() == jobLeft {
		return nil // nobody waits for it
	}
	if err := t.conn.Mark(ctx); err != nil {
		return err
	}
	events, writes, wrote := t.events, len(t.feed.writes), t.wrote
	t.feed.numbered, t.wrote = false, false
	j.err = guarded(ctx, t, j.run)
	undone := t.wrote
	t.wrote = t.wrote || wrote
	if j.err == nil {
		return t.conn.Keep(ctx)
	}
	t.events, t.feed.writes = events, t.feed.writes[:writes]
	if undone { // what it has only read is so
		t.sets.forget()
	}
	return t.conn.Undo(ctx, j.err)
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
