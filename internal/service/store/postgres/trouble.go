package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// byState are the errors that somebody can do something about, by SQLSTATE or its class.
var byState = map[string]tables.Trouble{
	"28": tables.Refused, "3D": tables.Refused, "3F": tables.Refused, "42501": tables.Refused,
	"53300": tables.Away, "53100": tables.Full, "25006": tables.ReadOnly, "57P": tables.Away, "08": tables.Away,
	"55P03": tables.InUse, "58": tables.Failing, "XX001": tables.Damaged, "XX002": tables.Damaged,
}

// wayOut is what an administrator can do about each.
var wayOut = map[tables.Trouble]string{
	tables.Away:     "see whether it runs, and whether its hosts, its port and the number of its connections in the settings are right; it is tried again all the time",
	tables.Refused:  "see whether user, password and database in the settings are right, and whether the user owns the database or its schema",
	tables.Full:     "the disk of the database is full; make room there, and writes go on by themselves",
	tables.ReadOnly: "it is a standby, or was told to take no writes; name all hosts in the settings, of which the one is used that takes writes",
	tables.InUse:    "another process has been in the middle of a write all the time; if it is stopped let it go on, if it hangs end it",
	tables.Failing:  "its disk answers with errors; look at the log of the database",
	tables.Damaged:  "a part of the database is damaged; look at its log, and restore a backup",
}

// troubled adds the way out to an error of the database, once.
func troubled(err error) error {
	if err == nil || errors.As(err, new(*tables.TroubleError)) {
		return err
	}
	if sqlState(err) == "57014" {
		return &tables.TroubleError{Kind: tables.TroubleOther, Err: err, Out: ended}
	}
	kind := troubleOf(err)
	if kind == tables.TroubleOther {
		return err
	}
	return &tables.TroubleError{Kind: kind, Err: err, Out: wayOut[kind]}
}

// ended is what can be done about a statement that was ended. The database has one code for
// both reasons, and says in its own language which it was. Each time that the server, a
// database or a user may have set is named, as reads go by it.
const ended = "if it took longer than its statement_timeout, which is 56 s for writes and that of server, database and user for reads, see what keeps the database busy, and whether that timeout is too short; if somebody ended it (pg_cancel_backend, or a program that ends long ones), ask who administers the database"

func troubleOf(err error) tables.Trouble {
	if state := sqlState(err); state != "" {
		for _, length := range []int{len(state), 3, 2} {
			if kind, ok := byState[state[:min(length, len(state))]]; ok {
				return kind
			}
		}
		return tables.TroubleOther
	}
	var connecting *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connecting) || errors.As(err, &network) || errors.Is(err, errLost) {
		return tables.Away
	}
	return tables.TroubleOther
}

// sqlState is what the database itself calls an error; empty if it is none of its.
func sqlState(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// errLost is a connection that was lost while it was used.
var errLost = errors.New("the connection to the database was lost")

// judgedGone says that a connection is lost where only its end shows it, and that an
// answer did not come in time.
func judgedGone(ctx context.Context, err error) error {
	if sqlState(err) != "" || errors.Is(err, errLost) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: it did not answer in time", errLost)
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

// refusesData reports whether an error is about what was to be written, and not about the
// database.
func refusesData(err error) bool {
	state := sqlState(err)
	return state != "" && slices.Contains([]string{"21", "22", "23", "42", "54"}, state[:2])
}
