package services

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// SCNPath is where HSM takes subscriptions to state change notifications.
const SCNPath = "/hsm/v2/Subscriptions/SCN"

// Subscription is what SMD keeps of one who wants state change
// notifications. The triggers other than Enabled and States are kept, and nothing
// here ever sets them off.
type Subscription struct {
	ID             int
	Subscriber     string
	Enabled        *bool    `json:",omitempty"`
	Roles          []string `json:",omitempty"`
	SubRoles       []string `json:",omitempty"`
	SoftwareStatus []string `json:",omitempty"`
	States         []string `json:",omitempty"`
	URL            string   `json:"Url"`
}

// scnPayload is one state change notification. It has no time.
type scnPayload struct {
	Components []string
	Enabled    *bool  `json:",omitempty"`
	Flag       string `json:",omitempty"`
	State      string `json:",omitempty"`
}

// subscribers are those of HSM. The zero value has none.
type subscribers struct {
	mu   sync.Mutex
	next int
	list []Subscription
}

// put keeps a subscription; one of the same subscriber at the same address is
// replaced, as in SMD's database.
func (s *subscribers) put(sub Subscription) Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.list {
		if old.Subscriber == sub.Subscriber && old.URL == sub.URL {
			sub.ID = old.ID
			s.list[i] = sub
			return sub
		}
	}
	s.next++
	sub.ID = s.next
	s.list = append(s.list, sub)
	return sub
}

func (s *subscribers) all() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Subscription{}, s.list...)
}

// remove ends the subscription of an ID, all for 0; it returns how many ended.
func (s *subscribers) remove(id int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.list)
	s.list = slices.DeleteFunc(s.list, func(sub Subscription) bool { return id == 0 || sub.ID == id })
	return before - len(s.list)
}

func (f *Face) scnRoutes() map[string]http.HandlerFunc {
	byID := func(w http.ResponseWriter, r *http.Request) int {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil || id < 1 {
			wire.Problem(w, http.StatusBadRequest, "Invalid id - "+r.PathValue("id"))
			return 0
		}
		return id
	}
	return map[string]http.HandlerFunc{
		"GET " + SCNPath: func(w http.ResponseWriter, _ *http.Request) {
			wire.Answer(w, http.StatusOK, map[string]any{"SubscriptionList": f.scn.all()})
		},
		"POST " + SCNPath: f.subscribeToHSM,
		"DELETE " + SCNPath: func(w http.ResponseWriter, _ *http.Request) {
			wire.Answer(w, http.StatusOK, map[string]any{"code": 0, "message": strconv.Itoa(f.scn.remove(0)) + " Subscriptions deleted"})
		},
		"GET " + SCNPath + "/{id}": func(w http.ResponseWriter, r *http.Request) {
			id := byID(w, r)
			for _, sub := range f.scn.all() {
				if sub.ID == id {
					wire.Answer(w, http.StatusOK, sub)
					return
				}
			}
			if id != 0 {
				wire.Problem(w, http.StatusNotFound, "Subscription not found")
			}
		},
		"DELETE " + SCNPath + "/{id}": func(w http.ResponseWriter, r *http.Request) {
			id := byID(w, r)
			switch {
			case id == 0:
			case f.scn.remove(id) == 0:
				wire.Problem(w, http.StatusNotFound, "Subscription not found")
			default:
				wire.Answer(w, http.StatusOK, map[string]any{"code": 0, "message": "Subscription deleted"})
			}
		},
	}
}

func (f *Face) subscribeToHSM(w http.ResponseWriter, r *http.Request) {
	var sub Subscription
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxRequest))
	if err == nil {
		err = json.Unmarshal(body, &sub)
	}
	triggers := len(sub.Roles) + len(sub.SubRoles) + len(sub.SoftwareStatus) + len(sub.States)
	switch {
	case err != nil:
		wire.Problem(w, http.StatusInternalServerError, "error decoding JSON "+err.Error()) // so does SMD
	case sub.Subscriber == "":
		wire.Problem(w, http.StatusBadRequest, "Missing name of subscriber")
	case sub.URL == "":
		wire.Problem(w, http.StatusBadRequest, "Missing url")
	case triggers == 0 && (sub.Enabled == nil || !*sub.Enabled):
		wire.Problem(w, http.StatusBadRequest, "Missing trigger. Must subscribe to at least one")
	case !wire.OnLoopback(sub.URL):
		wire.Problem(w, http.StatusBadRequest, "the emulated HSM notifies http and https addresses of this machine only, not "+strconv.Quote(sub.URL))
	default:
		f.room.Watch()
		wire.Answer(w, http.StatusOK, f.scn.put(sub))
	}
}

// Notify sends what HSM tells of news: the nodes that came into a state together
// are in one notification. While HSM is out, it tells nothing.
func (f *Face) Notify(news []machineroom.News) {
	subs := f.scn.all()
	if len(subs) == 0 || f.room.Out(fault.HSM, time.Now()) {
		return
	}
	byState, byEnabled := make(map[string][]string), make(map[bool][]string)
	for _, n := range news {
		if n.State != "" {
			byState[n.State] = append(byState[n.State], n.Node)
		}
		if n.Enabled != nil {
			byEnabled[*n.Enabled] = append(byEnabled[*n.Enabled], n.Node)
		}
	}
	for _, sub := range subs {
		for state, nodes := range byState {
			if slices.ContainsFunc(sub.States, func(wanted string) bool { return strings.EqualFold(wanted, state) }) {
				f.config.Courier.Send(wire.Message{URL: sub.URL, Body: scnPayload{Components: nodes, Flag: "OK", State: state}})
			}
		}
		if sub.Enabled == nil || !*sub.Enabled {
			continue
		}
		for enabled, nodes := range byEnabled {
			f.config.Courier.Send(wire.Message{URL: sub.URL, Body: scnPayload{Components: nodes, Enabled: &enabled}})
		}
	}
}
