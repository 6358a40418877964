package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

const (
	// upstreamReads bounds the images that one request asks for at a time.
	upstreamReads = 8
	// adviceTimeout bounds what is read for a warning only.
	adviceTimeout = 5 * time.Second
)

// finding is one thing that is wrong with a boot set of a template.
type finding struct {
	bootSet, text string
	// plain is the text for people, where clients know it in other words.
	plain string
	// fatal keeps the template from being booted; otherwise it is a warning.
	fatal bool
	// outage says that it could not be found out now.
	outage bool
	// ofRegistry says that it is about the image registry.
	ofRegistry bool
}

// in is the finding as clients know it (bos-contract section 3).
func (f finding) in(template string) string {
	return fmt.Sprintf("Session template: '%s' boot set: '%s': %s", template, f.bootSet, f.text)
}

// plainly is the finding for people.
func (f finding) plainly(template string) string {
	return fmt.Sprintf("boot set %q of session template %q: %s", f.bootSet, template, cmp.Or(f.plain, f.text))
}

// examination is what was found out about a template.
type examination struct {
	// images are by path; those that could not be read are left out.
	images map[string]bos.Image
	// findings are in the order of the boot sets.
	findings []finding
}

// refuse is the error for the first fatal finding, nil if there is none.
func (e examination) refuse(template string) error {
	for _, f := range e.findings {
		switch {
		case f.outage && f.fatal:
			return unavailable("Session template cannot be checked now: %s", f.in(template))
		case f.fatal:
			return badRequest("Session template fails check: %s", f.in(template))
		}
	}
	return nil
}

// refusePlainly is refuse in words for people, for what no BOS before this one answers.
func (e examination) refusePlainly(template string) error {
	for _, f := range e.findings {
		switch {
		case f.outage && f.fatal:
			return unavailable("whether this can be booted cannot be found out now: %s", f.plainly(template))
		case f.fatal:
			return badRequest("this cannot be booted: %s", f.plainly(template))
		}
	}
	return nil
}

// warnings are the texts of the findings that are not fatal.
func (e examination) warnings(template string) []string {
	var texts []string
	for _, f := range e.findings {
		if !f.fatal {
			texts = append(texts, f.in(template))
		}
	}
	return texts
}

// examine asks the images and the image registry about a template that is well
// formed. Each image is read once. A shutdown needs no image.
func (s *server) examine(ctx context.Context, q question, o bos.Options) examination {
	e := examination{images: make(map[string]bos.Image)}
	sets := q.template.BootSets
	names := slices.Sorted(maps.Keys(sets))
	var read imageReads
	if q.operation.NeedsImage() {
		read = s.readImages(ctx, sets, o)
	}
	for _, name := range names {
		found := nidFindings(sets[name])
		if q.operation.NeedsImage() {
			found = slices.Concat(found, s.bootFindings(q.template, name, read, e.images, o), read.registryFindings(sets[name], o))
		}
		for _, f := range found {
			f.bootSet = name
			e.findings = append(e.findings, f)
		}
	}
	return e
}

func nidFindings(set bos.BootSet) []finding {
	nids := slices.DeleteFunc(slices.Clone(set.NodeList), func(node string) bool { return !bos.IsNID(node) })
	if len(nids) == 0 {
		return nil
	}
	return []finding{{text: fmt.Sprintf("Has NID in 'node_list': %s is no xname, so it selects no node; name the node by its xname", clip(nids[0]))}}
}

// bootFindings is what keeps a boot set from being booted, and what a reader
// should know before. It adds the image to images.
func (s *server) bootFindings(t bos.SessionTemplate, name string, read imageReads, images map[string]bos.Image, o bos.Options) []finding {
	set := t.BootSets[name]
	fatal := func(format string, args ...any) []finding {
		return []finding{{text: fmt.Sprintf(format, args...), fatal: true}}
	}
	if !bos.BootableType(set.Type) {
		return fatal("its type is %q; only images of type s3, http or file can be booted", clip(set.Type))
	}
	if wanted := t.Configuration(set); wanted != "" && !s.Configuration {
		return fatal("it wants the configuration %q and this service has no configuration service; set enable_cfs to false in the template, or configure configuration.cfs in the service", wanted)
	}
	if s.Artifacts == nil {
		return fatal("Can't find boot artifacts. Error: this service reads no images; configure artifacts.s3, artifacts.http or artifacts.files")
	}
	answer := read.artifacts[set.Path]
	switch {
	case errors.Is(answer.err, bos.ErrImage):
		plain := answer.err.Error()
		if fault := (*bos.ImageFault)(nil); errors.As(answer.err, &fault) {
			plain = fault.Plain()
		}
		return append([]finding{{text: fmt.Sprintf("Can't find boot artifacts. Error: %v", answer.err), plain: plain, fatal: true}}, withoutImage(set)...)
	case answer.err != nil:
		return append(withoutImage(set), finding{text: fmt.Sprintf("its image cannot be read now: %v", answer.err), fatal: true, outage: true})
	}
	var found []finding
	// What else is wrong with parameters is among the warnings.
	if params, err := decide.KernelParameters(set, answer.image, o); err == nil {
		if err := decide.CheckBootLine(set, answer.image, params); err != nil {
			return fatal("%v", err)
		}
	}
	images[set.Path] = answer.image
	for _, text := range decide.ImageWarnings(set, answer.image) {
		found = append(found, finding{text: text})
	}
	return found
}

// withoutImage is what keeps a boot set from being booted whatever its image turns out
// to be.
func withoutImage(set bos.BootSet) []finding {
	if err := decide.CheckBootLine(set, bos.Image{}, set.KernelParameters); err != nil {
		return []finding{{text: err.Error(), fatal: true}}
	}
	return nil
}

// imageReads is what artifacts say by path and the image registry by id.
type imageReads struct {
	artifacts map[string]artifactAnswer
	// registry is nil without an image registry.
	registry map[string]registryAnswer
}

type artifactAnswer struct {
	image bos.Image
	err   error
}

type registryAnswer struct {
	image bos.ImageRecord
	err   error
}

// readImages asks both upstreams at once. The registry, where it is only asked
// for advice, does not hold the request up for long.
func (s *server) readImages(ctx context.Context, sets map[string]bos.BootSet, o bos.Options) imageReads {
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	advice := ctx
	if !o.IMSErrorsFatal {
		var stop context.CancelFunc
		advice, stop = context.WithTimeout(ctx, adviceTimeout)
		defer stop()
	}
	paths, ids := make(map[string]bool), make(map[string]bool)
	for _, set := range sets {
		if bos.BootableType(set.Type) && s.Artifacts != nil {
			paths[set.Path] = true
		}
		if id := bos.ImageID(set.Path); id != "" && s.Images != nil {
			ids[id] = true
		}
	}
	var read imageReads
	var both errgroup.Group
	both.Go(func() error {
		read.artifacts = askEach(paths, func(path string) (a artifactAnswer) {
			a.image, a.err = s.Artifacts.Image(ctx, path)
			return a
		})
		return nil
	})
	if s.Images != nil {
		both.Go(func() error {
			read.registry = askEach(ids, func(id string) (a registryAnswer) {
				a.image, a.err = s.Images.ImageRecord(advice, id)
				return a
			})
			return nil
		})
	}
	_ = both.Wait() // neither returns an error: each answer has its own
	return read
}

// askEach asks about every key, a few at a time.
func askEach[A any](keys map[string]bool, ask func(string) A) map[string]A {
	list := slices.Sorted(maps.Keys(keys))
	answers := make([]A, len(list))
	var group errgroup.Group
	group.SetLimit(upstreamReads)
	for i, key := range list {
		group.Go(func() error {
			answers[i] = ask(key)
			return nil
		})
	}
	_ = group.Wait() // no function of the group returns an error
	byKey := make(map[string]A, len(list))
	for i, key := range list {
		byKey[key] = answers[i]
	}
	return byKey
}

// registryFindings is what the image registry says of a boot set's image. What
// it does not know, and that it does not answer, is a warning unless an option
// says otherwise.
func (r imageReads) registryFindings(set bos.BootSet, o bos.Options) []finding {
	if r.registry == nil {
		return nil
	}
	id := bos.ImageID(set.Path)
	if id == "" {
		return []finding{{ofRegistry: true, text: fmt.Sprintf("%s is not where the image registry keeps images, so its architecture cannot be checked", clip(bos.Unsigned(set.Path)))}}
	}
	answer := r.registry[id]
	switch {
	case errors.Is(answer.err, bos.ErrNotFound):
		return []finding{{ofRegistry: true, text: fmt.Sprintf("the image registry has no image %q; name an image that it has%s", clip(id), because("ims_images_must_exist", o.IMSImagesMustExist)), fatal: o.IMSImagesMustExist}}
	case answer.err != nil:
		return []finding{{ofRegistry: true, text: fmt.Sprintf("the image registry cannot be asked about image %q: %v%s", clip(id), answer.err, because("ims_errors_fatal", o.IMSErrorsFatal)), fatal: o.IMSErrorsFatal}}
	}
	text, checked := bos.ImageMisfit(set, answer.image)
	switch {
	case !checked:
		return []finding{{ofRegistry: true, text: fmt.Sprintf("its arch is %s, so the architecture of image %q cannot be checked", set.Arch, clip(id))}}
	case text != "":
		return []finding{{ofRegistry: true, text: text, fatal: true}}
	}
	return nil
}

func because(option string, on bool) string {
	if on {
		return " (the option " + option + " is on)"
	}
	return ""
}

// adviseOnTemplate refuses a template that is about to be stored where the image
// registry contradicts it, or an option makes a fault of a warning. All else
// that is wrong with its images goes to the log: a template may name an image
// that is not built yet.
func (s *server) adviseOnTemplate(ctx context.Context, t bos.SessionTemplate, o bos.Options) error {
	if !o.IMSErrorsFatal {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, adviceTimeout)
		defer cancel()
	}
	read := s.readImages(ctx, t.BootSets, o)
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		set := t.BootSets[name]
		for _, f := range slices.Concat(nidFindings(set), s.bootFindings(t, name, read, map[string]bos.Image{}, o), read.registryFindings(set, o)) {
			f.bootSet = name
			text := f.in(t.Name)
			if f.fatal && f.ofRegistry {
				return badRequest("%s", text)
			}
			s.Log.Warn("a session template is stored although it may not boot", "template", t.Name, "warning", text)
		}
	}
	return nil
}

// checkTemplate says in one string what is wrong with a stored template: GET
// /v2/sessiontemplatesvalid/{name}. It is the first thing that keeps the
// template from being booted, or all warnings, or Valid.
func (s *server) checkTemplate(w http.ResponseWriter, r *http.Request) error {
	tenant, name, err := templateKey(r)
	if err != nil {
		return err
	}
	t, err := s.Store.Template(r.Context(), tenant, name)
	if err != nil {
		return orMissing(err, kindTemplate, tenant, name)
	}
	options, err := s.Store.Options(r.Context())
	if err != nil {
		return err
	}
	if err := bos.ValidateTemplate(t, options); err != nil {
		return s.answer(w, http.StatusOK, fmt.Sprintf("Session template: '%s': %v", name, err))
	}
	found := s.examine(r.Context(), question{template: t, operation: bos.OperationBoot}, options)
	for _, f := range found.findings {
		if f.fatal {
			return s.answer(w, http.StatusOK, f.in(name))
		}
	}
	if warnings := found.warnings(name); len(warnings) > 0 {
		return s.answer(w, http.StatusOK, strings.Join(warnings, "; "))
	}
	return s.answer(w, http.StatusOK, "Valid")
}
