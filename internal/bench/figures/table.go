package figures

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table is what was measured in several ways beside each other, the first of which is
// what the others are measured by.
type Table struct {
	Columns []string
	Rows    []Row
}

// Row is something that was measured at a number of nodes, a value for each column.
type Row struct {
	What   string
	Nodes  int
	Values []float64
	Unit   Unit
	// Aim is that of the first column.
	Aim Aim
	// Most is how many times as long as the first the others may take, 0 for as long as
	// they like.
	Most float64
}

// times is how many times as long as the first column the last takes; 0 where it is none
// of both.
func (r Row) times() float64 {
	first, last := r.Values[0], r.Values[len(r.Values)-1]
	if r.Unit == PerSecond {
		first, last = last, first
	}
	if len(r.Values) < 2 || !(first > 0 && last > 0) { // nor what is no number
		return 0
	}
	return last / first
}

func (r Row) missed() bool { return r.Most > 0 && r.times() > r.Most }

// Missed reports whether a column takes longer than it may.
func (t Table) Missed() bool {
	for _, r := range t.Rows {
		if r.missed() {
			return true
		}
	}
	return false
}

// Print writes the table.
func (t Table) Print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	compared := len(t.Columns) > 1
	head := "what\tnodes\t" + strings.Join(t.Columns, "\t") + "\taim\t\t"
	if compared {
		head += "times\taim\t\t"
	}
	if _, err := fmt.Fprintln(table, head); err != nil {
		return err
	}
	for _, r := range t.Rows {
		if _, err := fmt.Fprintln(table, r.line(compared)); err != nil {
			return err
		}
	}
	return table.Flush()
}

func (r Row) line(compared bool) string {
	cells := []string{r.What, fmt.Sprint(r.Nodes)}
	for _, value := range r.Values {
		cells = append(cells, r.Unit.text(value))
	}
	aim, met := Figure{Value: r.Values[0], Unit: r.Unit, Aim: r.Aim}.judged()
	cells = append(cells, aim, met)
	if compared {
		times, aim, met := "", "", ""
		if n := r.times(); n > 0 {
			times = fmt.Sprintf("%.1f", n)
		}
		if r.Most > 0 {
			aim, met = fmt.Sprintf("≤ %g", r.Most), "met"
		}
		if r.missed() {
			met = "missed"
		}
		cells = append(cells, times, aim, met)
	}
	return strings.Join(cells, "\t")
}

// Markdown writes the values as a table of Markdown, without aims.
func (t Table) Markdown(out io.Writer) error {
	if _, err := fmt.Fprintf(out, "| | nodes | %s |\n|---|---|%s\n", strings.Join(t.Columns, " | "), strings.Repeat("---|", len(t.Columns))); err != nil {
		return err
	}
	for _, r := range t.Rows {
		cells := make([]string, len(r.Values))
		for i, value := range r.Values {
			cells[i] = r.Unit.text(value)
		}
		if _, err := fmt.Fprintf(out, "| %s | %d | %s |\n", r.What, r.Nodes, strings.Join(cells, " | ")); err != nil {
			return err
		}
	}
	return nil
}
