package fault

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// Rule is one line of a fault script: what goes wrong where, when and how
// often. Whom it hits follows from the seed, the rule's place in the script and
// how often the node or BMC was asked, and so does not depend on the order of
// calls to different ones.
type Rule struct {
	// Name is by which it is lifted; without one it is its place, such as
	// "3". Several rules may share a name.
	Name  string `yaml:"name,omitempty" json:"name,omitempty"`
	Fault Kind   `yaml:"fault" json:"fault"`
	// Form is one of the ways in which some faults can show.
	Form string `yaml:"form,omitempty" json:"form,omitempty"`
	// Nodes are xnames of nodes or BMCs, which may be folded as in
	// x1000c0s[0-7]b0n0; all if empty. Not with a Service.
	Nodes   string `yaml:"nodes,omitempty" json:"nodes,omitempty"`
	Service string `yaml:"service,omitempty" json:"service,omitempty"`
	// From is when it begins after the rule was added, For how long it then
	// lasts; 0 is until it is lifted.
	From time.Duration `yaml:"from,omitempty" json:"from,omitempty"`
	For  time.Duration `yaml:"for,omitempty" json:"for,omitempty"`
	// Share of the nodes or BMCs are hit, drawn once for each, and of what
	// they are asked, the Probability; 0 is 1 for both. Times is how often
	// one is hit at most; 0 is without end.
	Share       float64 `yaml:"share,omitempty" json:"share,omitempty"`
	Probability float64 `yaml:"probability,omitempty" json:"probability,omitempty"`
	Times       int     `yaml:"times,omitempty" json:"times,omitempty"`
	// Delay, Tries and RetryAfter are for the kinds whose entry has them;
	// RetryAfter is told in whole seconds.
	Delay      time.Duration `yaml:"delay,omitempty" json:"delay,omitempty"`
	Tries      int           `yaml:"tries,omitempty" json:"tries,omitempty"`
	RetryAfter time.Duration `yaml:"retry_after,omitempty" json:"retry_after,omitempty"`
	// Resets is off, on or graceful, for faults that are about resets.
	Resets string `yaml:"resets,omitempty" json:"resets,omitempty"`
}

// maxScript bounds a fault script, in bytes.
const maxScript = 1 << 20

// Load reads a fault script: a YAML list of rules.
func Load(path string) ([]Rule, error) {
	f, err := os.Open(path) //nolint:gosec // whoever runs the emulator names the file
	if err != nil {
		return nil, fmt.Errorf("read the fault script: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	rules, err := Read(path, f)
	if err != nil {
		return nil, fmt.Errorf("fault script %w", err)
	}
	return rules, nil
}

// Read reads a fault script that has a name.
func Read(name string, from io.Reader) ([]Rule, error) {
	body, err := io.ReadAll(io.LimitReader(from, maxScript))
	if err != nil {
		return nil, err
	}
	var rules []Rule
	err = yamlfile.Text(name, string(body)).Decode(&rules)
	return rules, err
}

// Validate says what is wrong with a rule, but for its nodes, which a room knows.
func (r Rule) Validate() error {
	e, known := Of(r.Fault)
	can, of := func(e Entry) bool { return e.Of&(BMC|Node) != 0 }, "nodes"
	if r.Service != "" {
		can, of = func(e Entry) bool { return e.has(r.Service) }, "a service such as "+r.Service
	}
	switch {
	case r.Service != "" && !slices.Contains(Services, r.Service):
		return fmt.Errorf("service %q is none of %s", r.Service, strings.Join(Services, ", "))
	case !known || !can(e):
		return fmt.Errorf("fault %q is none that %s can have; use one of %s", r.Fault, of, those(can))
	case r.Service != "" && r.Nodes != "":
		return fmt.Errorf("service %q and nodes %q are both given; keep one", r.Service, r.Nodes)
	case r.From < 0 || r.For < 0 || r.Delay < 0 || r.RetryAfter < 0 || r.Times < 0 || r.Tries < 0:
		return errors.New("times, tries and durations may not be negative")
	case !(r.Share >= 0 && r.Share <= 1) || !(r.Probability >= 0 && r.Probability <= 1):
		return fmt.Errorf("share %v and probability %v lie between 0 and 1", r.Share, r.Probability)
	}
	return r.fits(e)
}

// fits says which of what a rule gives its kind does not take.
func (r Rule) fits(e Entry) error {
	switch {
	case r.Form != "" && len(e.Forms) == 0:
		return fmt.Errorf("form %q: the fault %s has none; a form is for %s", r.Form, r.Fault, those(func(e Entry) bool { return len(e.Forms) > 0 }))
	case r.Form != "" && !slices.Contains(e.Forms, r.Form):
		return fmt.Errorf("form %q is none of the fault %s; use one of %s", r.Form, r.Fault, strings.Join(e.Forms, ", "))
	case r.Resets != "" && (!e.Resets || !slices.Contains(resets, r.Resets)):
		return fmt.Errorf("resets %q: use %s, with one of the faults %s", r.Resets, strings.Join(resets, ", "), those(func(e Entry) bool { return e.Resets }))
	case r.Delay > 0 && e.Delay == 0:
		return fmt.Errorf("a delay is for the faults %s", those(func(e Entry) bool { return e.Delay > 0 }))
	case r.Tries > 0 && e.Tries == 0:
		return fmt.Errorf("tries are for the fault %s", those(func(e Entry) bool { return e.Tries > 0 }))
	case r.RetryAfter > 0 && e.RetryAfter == 0:
		return fmt.Errorf("retry_after is for the faults %s", those(func(e Entry) bool { return e.RetryAfter > 0 }))
	}
	return nil
}

// Complete is a rule with all that it leaves open.
func (r Rule) Complete() Rule {
	e, _ := Of(r.Fault)
	r.Share, r.Probability = cmp.Or(r.Share, 1), cmp.Or(r.Probability, 1)
	r.Delay, r.RetryAfter, r.Tries = cmp.Or(r.Delay, e.Delay), cmp.Or(r.RetryAfter, e.RetryAfter), cmp.Or(r.Tries, e.Tries)
	if len(e.Forms) > 0 {
		r.Form = cmp.Or(r.Form, e.Forms[0])
	}
	return r
}

// has reports whether a service can have a fault.
func (e Entry) has(service string) bool {
	return e.Of&Service != 0 && (e.Services == nil || slices.Contains(e.Services, service))
}
