package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Address is the connection string of a server's database.
func (s *Server) Address() string {
	return "postgres://bos@/postgres?" + url.Values{"host": {s.dir}}.Encode()
}

// Fresh is the connection string of a new, empty schema in the database of another one.
func Fresh(ctx context.Context, dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	schema := "t" + strings.ReplaceAll(uuid.NewString(), "-", "")
	err = ask(ctx, dsn, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE SCHEMA "+schema)
		return err
	})
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// Size is what the tables of a schema have on the disk, with their indexes, in bytes.
func Size(ctx context.Context, dsn string) (bytes int64, err error) {
	err = ask(ctx, dsn, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT COALESCE(SUM(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`).Scan(&bytes)
	})
	return bytes, err
}

func ask(ctx context.Context, dsn string, what func(conn *pgx.Conn) error) (err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return what(conn)
}

// Processes are the ids of the processes of a server that runs: its own, and those that it
// has started by now.
func (s *Server) Processes() []int {
	own := s.cmd.Process.Pid
	pids := []int{own}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", own)) // the pattern is one
	for _, list := range lists {
		text, _ := os.ReadFile(list) //nolint:gosec // of /proc
		for word := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
