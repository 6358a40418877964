package api

import (
	"errors"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// bootedBody is the body of POST /x/v1/components/{id}/booted.
type bootedBody struct {
	By string `json:"by"`
}

// maxBy bounds the name of who says that a node has booted.
const maxBy = 127

const titleNotBooting = "The boot is not proven."

// postBooted takes it from somebody else that a node has booted what it was powered on
// for: POST /x/v1/components/{id}/booted with {"by": name}. It is for who waited until
// the node was up, and holds for a boot that is under way only. One by phone_home is
// taken where that is the proof of the site or of the node's template.
func (s *server) postBooted(w http.ResponseWriter, r *http.Request) error {
	id, reach, err := s.componentKey(r)
	if err != nil {
		return err
	}
	if err := access.Of(r.Context()).MayReport(id); err != nil {
		return err
	}
	if !reach.Has(id) {
		return missing(kindComponent, "", id)
	}
	var body bootedBody
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	if body.By == "" {
		return bos.Invalidf("by", "is missing; say who has seen that the node is up, for the history")
	}
	if err := checkText("by", &body.By, maxBy); err != nil {
		return err
	}
	records, err := s.Store.MutateComponents(r.Context(), []string{id}, func(rec *bos.Record, exists bool) error {
		if !exists {
			return bos.ErrNotFound
		}
		if own := rec.BootProof(s.BootProof); body.By == string(bos.ProofPhoneHome) && own.Kind != bos.ProofPhoneHome {
			return problemf(http.StatusConflict, titleNotBooting,
				"component '%s': a phone-home proves no boot here, where %s does; set report.boot_proof: phone_home, or %s=phone_home in the kernel parameters of its template", id, own, bos.ProofWord)
		}
		next, err := decide.Proven(*rec, s.Now())
		if err != nil {
			return problemf(http.StatusConflict, titleNotBooting, "component '%s': %s", id, err)
		}
		*rec = next
		return nil
	}, s.note(r, eventBootProven, body.By))
	if errors.Is(err, bos.ErrNotFound) {
		return missing(kindComponent, "", id)
	}
	if err != nil {
		return err
	}
	s.Changed(Change{Records: records})
	return s.answerComponent(w, records[0])
}
