package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// getImage says what a boot image is now: GET /x/v1/images?path=, with the path of
// its manifest as a template has it. What could let somebody load it, such as what
// signs a link, is left out.
func (s *server) getImage(w http.ResponseWriter, r *http.Request) error {
	if _, err := tenantOf(r); err != nil {
		return err
	}
	path := r.URL.Query().Get("path")
	if err := bos.CheckImagePath(path); err != nil {
		return err
	}
	if s.Artifacts == nil {
		return badRequest("this service reads no images; configure artifacts.s3, artifacts.http or artifacts.files")
	}
	ctx, cancel := context.WithTimeout(r.Context(), upstreamTimeout)
	defer cancel()
	image, err := s.Artifacts.Image(ctx, path)
	switch {
	case errors.Is(err, bos.ErrImage):
		return badRequest("%s", bos.Unsigned(err.Error()))
	case err != nil:
		return unavailable("the image cannot be read now: %s", bos.Unsigned(err.Error()))
	}
	facts := image.Facts()
	s.addArch(ctx, &facts)
	return s.answer(w, http.StatusOK, facts)
}

// addArch asks the image registry, where there is one, about the image. It has no
// other say: that it does not know the image, or does not answer, is a warning.
func (s *server) addArch(ctx context.Context, facts *bos.ImageFacts) {
	id := bos.ImageID(facts.Path)
	if s.Images == nil {
		return
	}
	if id == "" {
		facts.Warnings = append(facts.Warnings, "the path is not where the image registry keeps images, so its architecture is not known")
		return
	}
	advice, cancel := context.WithTimeout(ctx, adviceTimeout)
	defer cancel()
	record, err := s.Images.ImageRecord(advice, id)
	switch {
	case errors.Is(err, bos.ErrNotFound):
		facts.Warnings = append(facts.Warnings, fmt.Sprintf("the image registry has no image %q, so its architecture is not known", clip(id)))
	case err != nil:
		facts.Warnings = append(facts.Warnings, fmt.Sprintf("the image registry cannot be asked about image %q: %s", clip(id), bos.Unsigned(err.Error())))
	default:
		facts.Arch = record.Arch
	}
}
