package transfer

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What BOS shows and does not take, and what BOS v1 had.
const (
	whyLinks = "is written by the service"
	whyV1    = "is of BOS v1 and has no meaning in v2"
	// whyUnheeded: to heed now what nothing went by would change what sessions do.
	whyUnheeded = "is of BOS v1, where nothing went by it; to have it from now on, give it in the member sequence, as /x/v1/sessiontemplates/NAME/sequence shows it"
)

var (
	droppedOfTemplate = map[string]string{"links": whyLinks, "partition": whyUnheeded, "templateUrl": whyV1}
	droppedOfBootSet  = map[string]string{
		"links": whyLinks, "boot_ordinal": whyUnheeded, "shutdown_ordinal": whyUnheeded, "network": whyV1,
		"rootfs_type": whyV1,
	}
	droppedOfCFS = map[string]string{"links": whyLinks, "clone_url": whyV1, "branch": whyV1, "commit": whyV1, "playbook": whyV1}
)

// template takes one template; name is its name where it has none.
func (r *reader) template(source, name string, object map[string]any) error {
	r.strip(source, "", object, droppedOfTemplate)
	r.stripCFS(source, "", object)
	if sets, ok := object["boot_sets"].(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(sets)) {
			if set, ok := sets[key].(map[string]any); ok {
				prefix := "boot_sets." + key + "."
				r.strip(source, prefix, set, droppedOfBootSet)
				r.stripCFS(source, prefix, set)
			}
		}
	}
	if _, ok := object["name"]; !ok && name != "" {
		object["name"] = name
	}
	t := Template{Source: source}
	if err := strictly(object, &t.SessionTemplate); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	source = fmt.Sprintf("%s: template %q", source, t.Name)
	tenant := bos.TenantOf(t.Tenant)
	switch {
	case tenant == "":
		t.Tenant = bos.TenantRef(r.tenant)
	case r.tenant != "" && tenant != r.tenant:
		return fmt.Errorf("%s is of tenant %q, not of %q; import it without --tenant, or remove the member tenant", source, tenant, r.tenant)
	}
	if err := bos.ValidateTemplate(t.SessionTemplate, bos.Options{}); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if t.Sequence != nil {
		if err := bos.ValidateSequence(*t.Sequence, t.SessionTemplate); err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
	}
	bos.SanitizeTemplate(&t.SessionTemplate)
	key := bos.SessionKey{Tenant: bos.TenantOf(t.Tenant), Name: t.Name}
	if first, again := r.from[key]; again {
		return fmt.Errorf("%s is also in %s; keep one of them", source, first)
	}
	r.from[key] = t.Source
	r.in.Templates = append(r.in.Templates, t)
	return nil
}

func (r *reader) stripCFS(source, prefix string, object map[string]any) {
	if cfs, ok := object["cfs"].(map[string]any); ok {
		r.strip(source, prefix+"cfs.", cfs, droppedOfCFS)
	}
}

// strip takes out nulls, which say nothing, and what cannot be imported.
func (r *reader) strip(source, prefix string, object map[string]any, dropped map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if object[name] == nil {
			delete(object, name)
		} else if why, drop := dropped[name]; drop {
			r.drop(source, "%s%s %s", prefix, name, why)
			delete(object, name)
		}
	}
}

var known = func() map[string]any {
	var names map[string]any
	text, err := json.Marshal(bos.DefaultOptions())
	if err == nil {
		err = json.Unmarshal(text, &names)
	}
	if err != nil {
		panic(err) // a constant
	}
	return names
}()

func isOption(name string) bool { _, ok := known[name]; return ok }

// options takes an object of options; of several the later ones count.
func (r *reader) options(source string, object map[string]any) error {
	r.strip(source, "", object, map[string]string{"links": whyLinks})
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !isOption(name) {
			r.drop(source, "%s is no option of this version of BOS", name)
			delete(object, name)
		}
	}
	patch := r.in.Options
	if patch == nil {
		patch = &bos.OptionsPatch{}
	}
	if err := strictly(object, patch); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if err := patch.Validate(); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	r.in.Options = patch
	return nil
}

// strictly decodes an object whose every member must be known.
func strictly(object map[string]any, into any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	err = json.Unmarshal(text, into, json.RejectUnknownMembers(true))
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return err
	}
	if errors.Is(semantic.Err, json.ErrUnknownName) {
		return fmt.Errorf("%s is no member that BOS v2 knows; remove it, nothing is imported half", semantic.JSONPointer)
	}
	return fmt.Errorf("%s is not what BOS v2 has there: a value of kind %s", semantic.JSONPointer, semantic.JSONKind)
}
