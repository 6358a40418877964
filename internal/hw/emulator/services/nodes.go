package services

import (
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// NodesPath is where the room tells the truth about its nodes, for tests in other
// processes. No service knows it.
const NodesPath = "/emulator/nodes"

// NodeTold is the truth about one node.
type NodeTold struct {
	ID string `json:"id"`
	// Booted says that it runs what it was given.
	Booted bool `json:"booted"`
	// Resets are those that changed something, the latest 1,000.
	Resets []ResetTold `json:"resets"`
}

// ResetTold is one of them.
type ResetTold struct {
	Time time.Time `json:"time"`
	Type string    `json:"type"`
}

func (f *Face) nodesRoutes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET " + NodesPath: func(w http.ResponseWriter, _ *http.Request) {
			told := make([]NodeTold, 0)
			for _, n := range f.room.States(time.Now()) {
				node := NodeTold{ID: n.ID, Booted: n.Booted, Resets: make([]ResetTold, 0)}
				for _, r := range f.room.Resets(n.ID) {
					node.Resets = append(node.Resets, ResetTold{r.Time, r.Type})
				}
				told = append(told, node)
			}
			wire.Answer(w, http.StatusOK, told)
		},
	}
}
