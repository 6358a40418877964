package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// Export reads all templates of the client's tenant, or of everyone without
// one, and the options.
func Export(ctx context.Context, c *client.Client) (Data, error) {
	templates, err := c.Templates(ctx)
	if err != nil {
		return Data{}, err
	}
	if err := addSequences(ctx, c, templates); err != nil {
		return Data{}, err
	}
	options, err := c.Options(ctx)
	if err != nil {
		return Data{}, err
	}
	return Data{Templates: append([]bos.SessionTemplate{}, templates...), Options: &options}, nil
}

// Kind is what a step of an import does.
type Kind string

// The kinds of steps.
const (
	Create Kind = "create"
	Change Kind = "change"
	Same   Kind = "same"
)

// Step is one thing of an import.
type Step struct {
	Kind Kind
	// What is it about, such as: template "compute".
	What string
	// Members are those that a Change changes.
	Members []string

	template *bos.SessionTemplate
	options  *bos.OptionsPatch
}

// String is the step as a line for people.
func (s Step) String() string {
	const most = 8
	line := fmt.Sprintf("%-6s  %s", s.Kind, s.What)
	if len(s.Members) == 0 {
		return line
	}
	line += ": " + strings.Join(s.Members[:min(most, len(s.Members))], ", ")
	if more := len(s.Members) - most; more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}

// Plan compares the input with the service. It writes nothing; the error names
// every template that the service would not take.
func Plan(ctx context.Context, c *client.Client, in Input) ([]Step, error) {
	options, err := c.Options(ctx)
	if err != nil {
		return nil, err
	}
	var steps []Step
	if in.Options != nil {
		after := options
		in.Options.Apply(&after)
		step := Step{Kind: Same, What: "options", options: in.Options, Members: differing(options, after)}
		if len(step.Members) > 0 {
			step.Kind = Change
		}
		steps, options = append(steps, step), after
	}
	var wrong []error
	stored := make(map[bos.SessionKey]bos.SessionTemplate)
	listed := make(map[string]bool)
	for i := range in.Templates {
		t := in.Templates[i]
		if err := bos.ValidateTemplate(t.SessionTemplate, options); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: template %q: %w", t.Source, t.Name, err))
			continue
		}
		tenant := bos.TenantOf(t.Tenant)
		if !listed[tenant] {
			listed[tenant] = true
			if err := list(ctx, c, tenant, stored); err != nil {
				return nil, err
			}
		}
		steps = append(steps, compare(t.SessionTemplate, stored))
	}
	return steps, errors.Join(wrong...)
}

func list(ctx context.Context, c *client.Client, tenant string, into map[bos.SessionKey]bos.SessionTemplate) error {
	all, err := c.ForTenant(tenant).Templates(ctx)
	if err != nil {
		return err
	}
	if err := addSequences(ctx, c, all); err != nil {
		return err
	}
	for _, t := range all {
		if bos.TenantOf(t.Tenant) == tenant {
			into[bos.SessionKey{Tenant: tenant, Name: t.Name}] = t
		}
	}
	return nil
}

func compare(t bos.SessionTemplate, stored map[bos.SessionKey]bos.SessionTemplate) Step {
	tenant := bos.TenantOf(t.Tenant)
	step := Step{Kind: Create, What: fmt.Sprintf("template %q", t.Name), template: &t}
	if tenant != "" {
		step.What += fmt.Sprintf(" of tenant %q", tenant)
	}
	before, exists := stored[bos.SessionKey{Tenant: tenant, Name: t.Name}]
	if !exists {
		return step
	}
	bos.SanitizeTemplate(&before)
	if t.Sequence == nil {
		before.Sequence = nil // it stays as it is
	}
	step.Kind, step.Members = Same, differing(before, t)
	if len(step.Members) > 0 {
		step.Kind = Change
	}
	return step
}

// differing names the members in which two values of one type differ.
func differing(a, b any) []string {
	left, right := flat(a), flat(b)
	var names []string
	for name, value := range left {
		if other, ok := right[name]; !ok || !reflect.DeepEqual(value, other) {
			names = append(names, name)
		}
	}
	for name := range right {
		if _, ok := left[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// flat is a value with the path of each member; lists are values.
func flat(v any) map[string]any {
	text, err := json.Marshal(v)
	var tree map[string]any
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err != nil { // records are always written and read back
		return nil
	}
	members := make(map[string]any)
	var walk func(path string, node map[string]any)
	walk = func(path string, node map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(node)) {
			if child, ok := node[name].(map[string]any); ok && len(child) > 0 {
				walk(path+name+".", child)
			} else {
				members[path+name] = node[name]
			}
		}
	}
	walk("", tree)
	return members
}

// Apply carries out the steps that change something, and calls done after each
// with it. It ends at the first error, which says what was written before.
func Apply(ctx context.Context, c *client.Client, steps []Step, done func(Step)) error {
	written := 0
	for _, s := range steps {
		if s.Kind == Same {
			continue
		}
		var err error
		if s.template != nil {
			err = put(ctx, c, *s.template)
		} else {
			_, err = c.PatchOptions(ctx, *s.options)
		}
		if err != nil {
			became := "was not"
			if client.Undecided(err) {
				became = "may or may not be"
			}
			return fmt.Errorf("%s %s written, %d before it were: %w; import again, what is there already is left alone", s.What, became, written, err)
		}
		written++
		done(s)
	}
	return nil
}
