package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// v1Template is a template as BOS v1 takes it: the name is in it.
type v1Template struct {
	Name        *string   `json:"name"`
	Description *string   `json:"description"`
	EnableCFS   *bool     `json:"enable_cfs"`
	CFS         *v1CFS    `json:"cfs"`
	CFSURL      string    `json:"cfs_url"`
	CFSBranch   string    `json:"cfs_branch"`
	Partition   string    `json:"partition"`
	BootSets    v1BootSet `json:"boot_sets"`
}

type v1CFS struct {
	Configuration *string `json:"configuration"`
	CloneURL      string  `json:"clone_url"`
	Branch        string  `json:"branch"`
	Commit        string  `json:"commit"`
	Playbook      string  `json:"playbook"`
}

// v1BootSet are boot sets by name, as many as a template may have.
type v1BootSet map[string]v1BootSetBody

type v1BootSetBody struct {
	Set             bootSetBody `json:",embed"`
	Network         string      `json:"network"`
	BootOrdinal     *int        `json:"boot_ordinal"`
	ShutdownOrdinal *int        `json:"shutdown_ordinal"`
}

// UnmarshalJSONFrom reads no more than that.
func (b *v1BootSet) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*b = make(v1BootSet)
	return edge.ReadObject(dec, bos.MaxBootSets, func(name string, set v1BootSetBody) error {
		(*b)[name] = set
		return nil
	})
}

// inexpressible refuses what a template of version 2 has no place for, by name: what
// would be dropped without a word would not be done either.
func (t v1Template) inexpressible() error {
	const layer = "a session template names a configuration of CFS; make one of that repository and branch, and give its name as cfs.configuration"
	var cfs v1CFS
	if t.CFS != nil {
		cfs = *t.CFS
	}
	for _, member := range []struct{ name, value string }{
		{"cfs_url", t.CFSURL},
		{"cfs_branch", t.CFSBranch},
		{"cfs.clone_url", cfs.CloneURL},
		{"cfs.branch", cfs.Branch},
		{"cfs.commit", cfs.Commit},
		{"cfs.playbook", cfs.Playbook},
	} {
		if member.value != "" {
			return bos.Invalidf(member.name, "%q has no place here: %s", clip(member.value), layer)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		set, field := t.BootSets[name], "boot_sets."+clip(name)
		if set.Network != "" && !strings.EqualFold(set.Network, "nmn") {
			return bos.Invalidf(field+".network", "%q is no network to boot over; leave it out, or write nmn", clip(set.Network))
		}
	}
	return nil
}

// body is the template as version 2 takes it.
func (t v1Template) body() templateBody {
	b := templateBody{Description: t.Description, EnableCFS: t.EnableCFS, BootSets: make(bootSetBodies)}
	if t.CFS != nil {
		b.CFS = &cfsBody{Configuration: t.CFS.Configuration}
	}
	for name, set := range t.BootSets {
		b.BootSets[name] = set.Set
	}
	return b
}

// sequence is what version 2 has no place for.
func (t v1Template) sequence() *bos.Sequence {
	o := bos.Sequence{Partition: t.Partition, BootOrdinal: make(map[string]int), ShutdownOrdinal: make(map[string]int)}
	for name, set := range t.BootSets {
		if set.BootOrdinal != nil {
			o.BootOrdinal[name] = *set.BootOrdinal
		}
		if set.ShutdownOrdinal != nil {
			o.ShutdownOrdinal[name] = *set.ShutdownOrdinal
		}
	}
	if o.Empty() {
		return nil
	}
	return &o
}

// postV1Template stores a template, in the place of one of its name.
func (s *server) postV1Template(w http.ResponseWriter, r *http.Request) error {
	var sent v1Template
	if err := decode(w, r, maxTemplateBody, &sent); err != nil {
		return err
	}
	switch {
	case sent.Name == nil:
		return bos.Invalidf("name", "is missing; name the session template")
	case !bos.ValidName(*sent.Name):
		return bos.Invalidf("name", "%q cannot name a session template; use %s", clip(*sent.Name), bos.NameRule)
	}
	if err := sent.inexpressible(); err != nil {
		return err
	}
	body := sent.body()
	if err := body.check(); err != nil {
		return err
	}
	t := bos.SessionTemplate{Name: *sent.Name}
	body.apply(&t)
	if t.Sequence = sent.sequence(); t.Sequence != nil {
		if err := bos.ValidateSequence(*t.Sequence, t); err != nil {
			return err
		}
	}
	t, err := s.readyToStore(r.Context(), t)
	if err != nil {
		return err
	}
	if err := s.Store.PutTemplate(r.Context(), t, s.noteTemplate(r, eventTemplateStored, "", t.Name)); err != nil {
		return err
	}
	return s.answer(w, http.StatusCreated, t.Name)
}
