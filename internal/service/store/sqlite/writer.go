package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
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
	db    *sql.DB
	queue chan *job
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once
}

type job struct {
	ctx    context.Context //nolint:containedctx // a job waits in the queue with the context it was sent with
	run    func(ctx context.Context, tx *sql.Tx) error
	err    error
	result chan error
}

func newWriter(db *sql.DB) *writer {
	w := &writer{db: db, queue: make(chan *job, queueLength), stop: make(chan struct{}), done: make(chan struct{})}
	go w.loop()
	return w
}

func (w *writer) close() {
	w.once.Do(func() { close(w.stop) })
	<-w.done
}

// do runs the closure and returns after its commit is durable.
func (w *writer) do(ctx context.Context, run func(ctx context.Context, tx *sql.Tx) error) error {
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
	if err := w.commit(jobs); err != nil {
		for _, j := range jobs {
			j.err = err
		}
	}
	for _, j := range jobs {
		j.result <- j.err
	}
}

func (w *writer) commit(jobs []*job) error {
	ctx := context.Background()
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	for _, j := range jobs {
		if err := savepoint(ctx, tx, j); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// savepoint runs one job; its own failure undoes its own writes only.
func savepoint(ctx context.Context, tx *sql.Tx, j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil //nolint:nilerr // the job has its error; the others go on
	}
	if _, err := tx.ExecContext(ctx, "SAVEPOINT job"); err != nil {
		return fmt.Errorf("open a savepoint: %w", err)
	}
	j.err = guarded(ctx, tx, j.run)
	if j.err != nil {
		if _, err := tx.ExecContext(ctx, "ROLLBACK TO job"); err != nil {
			return fmt.Errorf("undo a failed write: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, "RELEASE job"); err != nil {
		return fmt.Errorf("release a savepoint: %w", err)
	}
	return nil
}

// guarded turns a panic of a caller's closure into its error.
func guarded(ctx context.Context, tx *sql.Tx, run func(context.Context, *sql.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write failed unexpectedly: %v", p)
		}
	}()
	return run(ctx, tx)
}
