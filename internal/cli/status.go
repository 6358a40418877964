package cli

import (
	"errors"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// The statuses with which a program ends that cannot use its database, so that who
// watches it knows what is to be done. 1 is any other error.
const (
	statusOther    = 1
	statusInUse    = 3
	statusFull     = 4
	statusReadOnly = 5
	statusClosed   = 6
	statusDamaged  = 7
	statusNewer    = 8
	statusFailing  = 9
	statusAway     = 10
	statusRefused  = 11
)

var statuses = map[tables.Trouble]int{
	tables.InUse: statusInUse, tables.Full: statusFull, tables.ReadOnly: statusReadOnly, tables.Closed: statusClosed,
	tables.Damaged: statusDamaged, tables.Newer: statusNewer, tables.Failing: statusFailing, tables.Away: statusAway, tables.Refused: statusRefused,
}

// Status is what a program ends with after an error of a command, and whether the
// command has said why itself.
func Status(err error) (status int, said bool) {
	var exit *Exit
	switch {
	case err == nil:
		return 0, true
	case errors.As(err, &exit):
		return exit.Status, true
	}
	if status, ok := statuses[sqlite.TroubleOf(err)]; ok {
		return status, false
	}
	return statusOther, false
}
