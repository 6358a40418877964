package redfish

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// EventsPath is where BMCs send their events. The address of the BMC follows.
const EventsPath = "/x/v1/redfish-events/"

// MaxEvent bounds one message of events.
const MaxEvent = 64 << 10

// destination is where a BMC sends its events, service being this service as BMCs
// reach it.
func destination(service, address string) string {
	return strings.TrimRight(service, "/") + EventsPath + url.PathEscape(address)
}

// Events receives what BMCs send and passes the nodes on, those of the BMC that
// the address names and no others. Nobody is asked for credentials, as BMCs have
// none to send: whoever posts something can make the service probe power
// sooner, and nothing else. What an event says is not taken.
func (c *Client) Events(hint func(nodes ...string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		nodes := c.locator.nodesOf(addressOf(strings.TrimPrefix(r.URL.Path, EventsPath)))
		if len(nodes) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxEvent))
		var told struct {
			Events []struct{ OriginOfCondition json.RawMessage }
		}
		if err != nil || json.Unmarshal(body, &told) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var origins []string
		for _, e := range told.Events {
			origins = append(origins, origin(e.OriginOfCondition))
		}
		hint(concerned(nodes, origins)...)
		w.WriteHeader(http.StatusOK)
	})
}

// origin is the path of the resource that an event is about, which old BMCs give
// as text; empty if there is none.
func origin(raw json.RawMessage) string {
	var link struct {
		ID string `json:"@odata.id"`
	}
	if json.Unmarshal(raw, &link) == nil {
		return link.ID
	}
	var text string
	_ = json.Unmarshal(raw, &text) // none
	return text
}

// concerned are the nodes whose systems events are about, or all of the BMC if
// that cannot be told.
func concerned(nodes []target, origins []string) []string {
	var all, some []string
	for _, n := range nodes {
		all = append(all, n.id)
		for _, o := range origins {
			if n.System != "" && (o == n.System || strings.HasPrefix(o, n.System+"/")) {
				some = append(some, n.id)
				break
			}
		}
	}
	if len(some) == 0 {
		return all
	}
	return some
}
