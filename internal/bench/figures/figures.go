// Package figures prints what the benchmarks measured: a line per figure with
// what was aimed at and whether it was met.
package figures

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
)

// Figure is something that was measured at a number of nodes.
type Figure struct {
	What  string
	Nodes int
	Value float64
	Unit  Unit
	Aim   Aim
}

// Unit is what a value is counted in.
type Unit struct {
	name     string
	decimals int
}

// The units of what is measured.
var (
	Seconds      = Unit{" s", 2}
	Milliseconds = Unit{" ms", 2}
	Mebibytes    = Unit{" MiB", 0}
	PerSecond    = Unit{" /s", 0}
	Times        = Unit{"", 1}
	Percent      = Unit{" %", 1}
)

// Aim is a bound that a value should keep; the zero Aim is none.
type Aim struct {
	bound float64
	least bool
}

// AtMost is an aim from below; the bound is not zero.
func AtMost(bound float64) Aim { return Aim{bound: bound} }

// AtLeast is an aim from above; the bound is not zero.
func AtLeast(bound float64) Aim { return Aim{bound: bound, least: true} }

// text is a value; what is no number was not measured.
func (u Unit) text(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', u.decimals, 64) + u.name
}

// notKept is said of an aim that was not met.
const notKept = "missed"

// judged is the aim, and whether the value met it.
func (f Figure) judged() (aim, met string) {
	if f.Aim == (Aim{}) {
		return "for information", ""
	}
	sign, kept := "≤ ", f.Value <= f.Aim.bound
	if f.Aim.least {
		sign, kept = "≥ ", f.Value >= f.Aim.bound
	}
	met = notKept
	if kept {
		met = "met"
	}
	return sign + strconv.FormatFloat(f.Aim.bound, 'f', -1, 64) + f.Unit.name, met
}

// Missed names the figures that missed their aim, and is nil if none did.
func Missed(list []Figure) error {
	var missed []error
	for _, f := range list {
		if aim, met := f.judged(); met == notKept {
			missed = append(missed, fmt.Errorf("missed: %s, %d nodes: %s, and the aim is %s", f.What, f.Nodes, f.Unit.text(f.Value), aim))
		}
	}
	return errors.Join(missed...)
}

// Print writes a table.
func Print(out io.Writer, list []Figure) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(table, "what\tnodes\tmeasured\taim\t"); err != nil {
		return err
	}
	for _, f := range list {
		aim, met := f.judged()
		if _, err := fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", f.What, f.Nodes, f.Unit.text(f.Value), aim, met); err != nil {
			return err
		}
	}
	return table.Flush()
}
