// Package health judges from the signs of life of a service whether it is alive and
// whether it is ready for work. It is pure: whoever asks brings the facts.
package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// MaxPass is how long a service that drives may make no pass before it counts as
	// stuck. It makes one every two seconds at least, and one that sets up 100,000 nodes
	// takes some ten.
	MaxPass = 2 * time.Minute
	// MaxInventory is how long an inventory that could be read counts as known; it is
	// also given as long from the start.
	MaxInventory = 30 * time.Minute
	// badShare is the part of the BMCs that do not answer as they should from which on
	// a service counts as unwell.
	badShare = 5 // a fifth
	fewest   = 3
)

// Facts is what is known of a service.
type Facts struct {
	// Runs says that it is to carry out what is written; one that serves the API alone
	// is ready without.
	Runs bool
	// Drives says that it has the lease, Holder why not.
	Drives bool
	Holder string
	// Follows says that another service drives the database that this one shares.
	Follows bool
	// Pass is for how long it has made no pass; Engine that its engine runs.
	Pass   time.Duration
	Engine bool
	// Database is why the database cannot be used, "" if it can.
	Database string
	// Inventory facts, where there is one.
	HasInventory   bool
	InventoryRead  bool
	InventoryAge   time.Duration
	InventoryError string
	// BMCs are those known, Bad those that do not answer as they should, by the reason.
	BMCs int
	Bad  map[string]int
	// Paused is the reason of a pause of the site; On says that there is one.
	PausedOn bool
	Paused   string
	// Secrets are those that cannot be read, each with its cause.
	Secrets []string
}

// Part is one thing that was looked at.
type Part struct {
	Name string `json:"name"`
	// OK says that it stands in the way of nothing.
	OK bool `json:"ok"`
	// Says what was seen, and the way out where it is not well.
	Says string `json:"says"`
}

// Report is what was found.
type Report struct {
	// Status is "ok" or "unavailable".
	Status string `json:"status"`
	Parts  []Part `json:"parts,omitempty"`
}

// The words of Status.
const (
	OK          = "ok"
	Unavailable = "unavailable"
)

// Well reports whether nothing stands in the way.
func (r Report) Well() bool { return r.Status == OK }

// Live is whether the process works at all. It fails only where a restart may help.
func Live(f Facts) Report { return report(pass(f)) }

// Ready is whether what is written now is carried out soon. A pause of the site is no
// illness: it is shown, and somebody wanted it.
func Ready(f Facts) Report {
	return report(database(f), lease(f), pass(f), inventory(f), bmcs(f), secrets(f), paused(f))
}

func report(parts ...Part) Report {
	r := Report{Status: OK, Parts: parts}
	for _, p := range parts {
		if !p.OK {
			r.Status = Unavailable
		}
	}
	return r
}

func database(f Facts) Part {
	if f.Database != "" {
		return Part{"database", false, f.Database}
	}
	return Part{"database", true, "it can be read and takes writes"}
}

func lease(f Facts) Part {
	switch {
	case !f.Runs:
		return Part{"lease", true, "this service serves the API and drives nothing"}
	case !f.Drives && f.Follows:
		return Part{"lease", true, "another service drives the database, and this one stands by"}
	case !f.Drives:
		return Part{"lease", false, f.Holder}
	default:
		return Part{"lease", true, "this service drives its database"}
	}
}

func pass(f Facts) Part {
	switch {
	case !f.Runs || !f.Drives:
		return Part{"engine", true, "it does not run here now"}
	case f.Pass > MaxPass:
		return Part{"engine", false, fmt.Sprintf("it has decided nothing for %s; look at the log and restart this service", f.Pass.Round(time.Second))}
	case !f.Engine:
		return Part{"engine", true, "it starts, or starts afresh once the database takes writes"}
	default:
		return Part{"engine", true, "it decides"}
	}
}

func inventory(f Facts) Part {
	const name = "inventory"
	because := ""
	if f.InventoryError != "" {
		because = ": " + f.InventoryError
	}
	switch {
	case !f.HasInventory:
		return Part{name, true, "none is configured"}
	case f.Runs && !f.Drives:
		return Part{name, true, "it is read by the service that drives"}
	case !f.InventoryRead && f.InventoryError != "":
		return Part{name, false, "it was never read since the start" + because}
	case !f.InventoryRead:
		return Part{name, true, "it was not read yet"}
	case f.InventoryAge > MaxInventory && f.InventoryError != "":
		return Part{name, false, fmt.Sprintf("it was read %s ago and not since%s", f.InventoryAge.Round(time.Second), because)}
	default:
		return Part{name, true, fmt.Sprintf("it was read %s ago%s", f.InventoryAge.Round(time.Second), because)}
	}
}

func bmcs(f Facts) Part {
	bad := 0
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(f.Bad)) {
		bad += f.Bad[reason]
		why = append(why, fmt.Sprintf("%s: %d", reason, f.Bad[reason]))
	}
	says := fmt.Sprintf("%d of %d did not answer as they should when last asked", bad, f.BMCs)
	if bad == 0 {
		return Part{"bmcs", true, says}
	}
	return Part{"bmcs", bad < fewest || bad*badShare < f.BMCs, says + " (" + strings.Join(why, ", ") + ")"}
}

func secrets(f Facts) Part {
	if len(f.Secrets) > 0 {
		return Part{"secrets", false, strings.Join(f.Secrets, "; ")}
	}
	return Part{"secrets", true, "each can be read"}
}

func paused(f Facts) Part {
	if !f.PausedOn {
		return Part{"pause", true, "the site is not paused"}
	}
	reason := f.Paused
	if reason == "" {
		reason = "no reason was given"
	}
	return Part{"pause", true, "the site is paused, so nothing is sent to any node (" + reason + "); POST /x/v1/resume lets work go on"}
}
