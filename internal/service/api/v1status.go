package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// v1Status is the root of the status tree.
type v1Status struct {
	ID       string     `json:"id"`
	BootSets []string   `json:"boot_sets"`
	Links    []v1Link   `json:"links"`
	Metadata v1Metadata `json:"metadata"`
	// Retry is no member of BOS v1, whose agent wrote it to its log.
	Retry *bos.Retry `json:"retry,omitempty"`
}

type v1SetStatus struct {
	Name     string     `json:"name"`
	Session  string     `json:"session"`
	Metadata v1Metadata `json:"metadata"`
	Phases   []v1Phase  `json:"phases"`
	Links    []v1Link   `json:"links"`
}

type v1Phase struct {
	Name       bos.Step            `json:"name"`
	Metadata   v1Metadata          `json:"metadata"`
	Categories []v1Category        `json:"categories"`
	Errors     map[string][]string `json:"errors,omitempty"`
}

type v1Category struct {
	Name     bos.Category `json:"name"`
	NodeList []string     `json:"node_list"`
}

// v1NoSet is what nodes are under that a client gave to the session, of which no boot
// set is known: no boot set can have that name.
const v1NoSet = "-"

func v1SetName(set bos.SetStatus) string { return cmp.Or(set.BootSet, v1NoSet) }

// v1Set finds the boot set that a request is about.
func (s *server) v1Set(r *http.Request) (bos.SessionRecord, bos.SetStatus, error) {
	rec, found, err := s.sessionWithSteps(r)
	if err != nil {
		return rec, bos.SetStatus{}, err
	}
	for _, set := range found.sets {
		if v1SetName(set) == r.PathValue("set") {
			return rec, set, nil
		}
	}
	return rec, bos.SetStatus{}, notFound("session '%s' has no node of a boot set %q; see GET %s for its boot sets", rec.Name, clip(r.PathValue("set")), v1StatusPath(rec.Name))
}

func (s *server) getV1Status(w http.ResponseWriter, r *http.Request) error {
	rec, found, err := s.sessionWithSteps(r)
	if err != nil {
		return err
	}
	status := v1Status{
		ID: rec.Name, BootSets: []string{}, Links: []v1Link{{Rel: "self", Href: v1StatusPath(rec.Name)}},
		Metadata: v1SessionMetadata(rec, found), Retry: found.view.Retry,
	}
	for _, set := range found.sets {
		status.BootSets = append(status.BootSets, v1SetName(set))
		status.Links = append(status.Links, v1Link{Rel: "Boot Set", Href: v1StatusPath(rec.Name, v1SetName(set))})
	}
	return s.answer(w, http.StatusOK, status)
}

func (s *server) getV1BootSet(w http.ResponseWriter, r *http.Request) error {
	rec, set, err := s.v1Set(r)
	if err != nil {
		return err
	}
	answer := v1SetStatus{
		Name: v1SetName(set), Session: rec.Name, Metadata: v1PartMetadata(rec, set.Complete(), len(set.Failed())),
		Links: []v1Link{{Rel: "self", Href: v1StatusPath(rec.Name, v1SetName(set))}},
	}
	for _, step := range set.Steps {
		phase := v1PhaseOf(rec, step)
		answer.Metadata.InProgress = answer.Metadata.InProgress || phase.Metadata.InProgress
		answer.Phases = append(answer.Phases, phase)
		answer.Links = append(answer.Links, v1Link{Rel: "Phase", Href: v1StatusPath(rec.Name, v1SetName(set), string(step.Step))})
	}
	return s.answer(w, http.StatusOK, answer)
}

// v1PartMetadata is how far a part of a session is, without whether it is in progress.
func v1PartMetadata(rec bos.SessionRecord, complete bool, failed int) v1Metadata {
	return v1Metadata{StartTime: v1Time(rec.Status.StartTime), Complete: complete, ErrorCount: failed}
}

func v1PhaseOf(rec bos.SessionRecord, step bos.StepStatus) v1Phase {
	phase := v1Phase{Name: step.Step, Metadata: v1PartMetadata(rec, step.Complete(), len(step.Nodes[bos.CategoryFailed])), Errors: step.Reasons}
	phase.Metadata.InProgress = len(step.Nodes[bos.CategoryInProgress]) > 0
	for _, c := range bos.Categories() {
		phase.Categories = append(phase.Categories, v1Category{c, append([]string{}, step.Nodes[c]...)})
	}
	return phase
}

// v1Step finds the phase that a request is about.
func (s *server) v1Step(r *http.Request) (bos.SessionRecord, bos.StepStatus, error) {
	rec, set, err := s.v1Set(r)
	if err != nil {
		return rec, bos.StepStatus{}, err
	}
	for _, step := range set.Steps {
		if strings.EqualFold(string(step.Step), r.PathValue("phase")) {
			return rec, step, nil
		}
	}
	return rec, bos.StepStatus{}, notFound("a session of operation %s has no phase %q; it has %q", rec.Operation, clip(r.PathValue("phase")), rec.Operation.Steps())
}

func (s *server) getV1Phase(w http.ResponseWriter, r *http.Request) error {
	rec, step, err := s.v1Step(r)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, v1PhaseOf(rec, step))
}

func (s *server) getV1Category(w http.ResponseWriter, r *http.Request) error {
	rec, step, err := s.v1Step(r)
	if err != nil {
		return err
	}
	all := v1PhaseOf(rec, step).Categories
	at := slices.IndexFunc(all, func(c v1Category) bool { return strings.EqualFold(string(c.Name), r.PathValue("category")) })
	if at < 0 {
		return notFound("%q is no category; use one of %q", clip(r.PathValue("category")), bos.Categories())
	}
	return s.answer(w, http.StatusOK, all[at])
}
