package api

import (
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// serviceName tells this service from others that speak the v2 API.
const serviceName = "bootorch"

// getCapabilities announces the extensions. Those that need an inventory are
// left out where there is none. It also says whether the site is paused.
func (s *server) getCapabilities(w http.ResponseWriter, r *http.Request) error {
	extensions := []string{bos.ExtensionOutcomes, bos.ExtensionFoldedLimits, bos.ExtensionCancel, bos.ExtensionEvents, bos.ExtensionPause, bos.ExtensionHolds, bos.ExtensionBoundStaged, bos.ExtensionStagedReceipts, bos.ExtensionConfigure, bos.ExtensionSteps, bos.ExtensionSequences, bos.ExtensionOverlap, bos.ExtensionStream, bos.ExtensionReboot}
	if s.Inventory != nil {
		extensions = append(extensions, bos.ExtensionPreviews, bos.ExtensionPinnedSessions, bos.ExtensionReceipts, bos.ExtensionGuards, bos.ExtensionNodes, bos.ExtensionRollouts)
	}
	if s.Artifacts != nil {
		extensions = append(extensions, bos.ExtensionImages)
	}
	pause, err := s.Store.SitePause(r.Context())
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, bos.Capabilities{Service: serviceName, Version: s.Version, Extensions: extensions, Pause: pause.State(), PublicURL: s.PublicURL})
}
