package api

import (
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// serviceName tells this service from others that speak the v2 API.
const serviceName = "bootorch"

// getCapabilities announces the extensions. Those that need an inventory are
// left out where there is none.
func (s *server) getCapabilities(w http.ResponseWriter, _ *http.Request) error {
	extensions := []string{bos.ExtensionOutcomes, bos.ExtensionFoldedLimits, bos.ExtensionCancel, bos.ExtensionEvents}
	if s.Inventory != nil {
		extensions = append(extensions, bos.ExtensionPreviews, bos.ExtensionPinnedSessions)
	}
	return s.answer(w, http.StatusOK, bos.Capabilities{Service: serviceName, Version: s.Version, Extensions: extensions})
}
