package bmc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

const (
	redfishEvents        = redfishRoot + "/EventService"
	redfishSubscriptions = redfishEvents + "/Subscriptions"
	// maxSubscriptions is how many one BMC has.
	maxSubscriptions = 8
)

// eventTypes are what a subscription may ask for.
var eventTypes = []string{"StatusChange", "ResourceUpdated", "ResourceAdded", "ResourceRemoved", "Alert"}

// eventSubscription is a subscription to the events of a BMC.
type eventSubscription struct {
	ID                             int `json:"-"`
	Destination, Context, Protocol string
	EventTypes                     []string
}

// subscriptions are those of all BMCs. The zero value has none.
type subscriptions struct {
	mu   sync.Mutex
	next int
	of   map[string][]eventSubscription
	sent int
}

// add keeps a subscription; ok is false if the BMC has as many as it can.
func (s *subscriptions) add(bmc string, sub eventSubscription) (id int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.of[bmc]) >= maxSubscriptions {
		return 0, false
	}
	if s.of == nil {
		s.of = make(map[string][]eventSubscription)
	}
	s.next++
	sub.ID = s.next
	s.of[bmc] = append(s.of[bmc], sub)
	return sub.ID, true
}

func (s *subscriptions) list(bmc string) []eventSubscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.of[bmc])
}

func (s *subscriptions) remove(bmc string, id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[bmc] = slices.DeleteFunc(s.of[bmc], func(sub eventSubscription) bool { return sub.ID == id })
}

// forget ends all of a BMC.
func (s *subscriptions) forget(bmc string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, bmc)
}

// event numbers the events.
func (s *subscriptions) event() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
	return s.sent
}

// Subscriptions is how many subscriptions to its events a BMC has.
func (f *Face) Subscriptions(bmc string) int { return len(f.events.list(bmc)) }

func (f *Face) eventResource(w http.ResponseWriter, r *http.Request, bmc, path string, body []byte) {
	if path == redfishEvents {
		if allow(w, r, http.MethodGet) {
			wire.Answer(w, http.StatusOK, map[string]any{
				"@odata.id": path, "@odata.type": "#EventService.v1_0_5.EventService", "Id": "EventService", "Name": "Event Service",
				"ServiceEnabled": true, "DeliveryRetryAttempts": 1, "DeliveryRetryIntervalSeconds": 30,
				"EventTypesForSubscription": eventTypes, "Status": map[string]string{"State": "Enabled"},
				"Subscriptions": map[string]string{"@odata.id": redfishSubscriptions},
			})
		}
		return
	}
	list := f.events.list(bmc)
	if path == redfishSubscriptions {
		switch {
		case r.Method == http.MethodPost:
			f.subscribeToBMC(w, bmc, body)
		case allow(w, r, http.MethodGet, http.MethodPost):
			paths := make([]string, len(list))
			for i, sub := range list {
				paths[i] = redfishSubscriptions + "/" + strconv.Itoa(sub.ID)
			}
			wire.Answer(w, http.StatusOK, collection(path, "EventDestination", paths))
		}
		return
	}
	at := slices.IndexFunc(list, func(sub eventSubscription) bool { return path == redfishSubscriptions+"/"+strconv.Itoa(sub.ID) })
	switch {
	case at < 0:
		redfishError(w, http.StatusNotFound, "there is no "+path)
	case r.Method == http.MethodDelete:
		f.events.remove(bmc, list[at].ID)
		w.WriteHeader(http.StatusNoContent)
	case allow(w, r, http.MethodGet, http.MethodDelete):
		sub := list[at]
		wire.Answer(w, http.StatusOK, map[string]any{
			"@odata.id": path, "@odata.type": "#EventDestination.v1_0_0.EventDestination", "Id": strconv.Itoa(sub.ID), "Name": "Subscription",
			"Destination": sub.Destination, "Context": sub.Context, "Protocol": sub.Protocol, "EventTypes": sub.EventTypes,
		})
	}
}

func (f *Face) subscribeToBMC(w http.ResponseWriter, bmc string, body []byte) {
	var sub eventSubscription
	if err := json.Unmarshal(body, &sub); err != nil {
		redfishError(w, http.StatusBadRequest, "Invalid JSON")
		return
	}
	unknown := slices.IndexFunc(sub.EventTypes, func(t string) bool { return !slices.Contains(eventTypes, t) })
	switch {
	case sub.Destination == "" || sub.Protocol != "Redfish":
		extendedError(w, http.StatusBadRequest, "Base.1.0.PropertyMissing", "Destination and the Protocol Redfish are required")
		return
	case unknown >= 0:
		extendedError(w, http.StatusBadRequest, "Base.1.0.PropertyValueNotInList", "there is no event type "+sub.EventTypes[unknown])
		return
	case !wire.OnLoopback(sub.Destination):
		extendedError(w, http.StatusBadRequest, "Base.1.0.PropertyValueFormatError", "an emulated BMC sends events to addresses of this machine only, not to "+sub.Destination)
		return
	}
	id, ok := f.events.add(bmc, sub)
	if !ok {
		extendedError(w, http.StatusServiceUnavailable, "Base.1.0.EventSubscriptionLimitExceeded", "the service has all the subscriptions it can have; delete one")
		return
	}
	f.room.Watch()
	path := redfishSubscriptions + "/" + strconv.Itoa(id)
	if !f.room.SystemsOf(bmc)[0].Profile.Placeless {
		w.Header().Set("Location", path)
	}
	wire.Answer(w, http.StatusCreated, map[string]any{"code": http.StatusCreated, "message": path})
}

// Raise sends the event that the power of a node has changed to the subscribers
// of its BMC. One that is silent or has restarted sends none.
func (f *Face) Raise(n machineroom.News) {
	now := time.Now()
	f.restart(n.BMC, now)
	if f.room.SilentAt(n.BMC, now) {
		return
	}
	word := powerWords[n.Power][0]
	for _, sub := range f.events.list(n.BMC) {
		id := strconv.Itoa(f.events.event())
		f.config.Courier.Send(wire.Message{URL: sub.Destination, Body: map[string]any{
			"@odata.id": redfishEvents + "/Events", "@odata.type": "#Event.v1_3_1.Event", "Id": id, "Name": "Event Array",
			"Context": sub.Context, "Events@odata.count": 1,
			"Events": []map[string]any{{
				"EventId": id, "EventType": "StatusChange", "EventTimestamp": n.At.UTC().Format(time.RFC3339), "Severity": "OK",
				"MessageId": messageID(f.room.SystemsOf(n.BMC)[0].Profile, n.Power), "MessageArgs": []string{n.System, word},
				"Message":           fmt.Sprintf("The power state of resource %s has changed to type %s.", n.System, word),
				"OriginOfCondition": map[string]string{"@odata.id": n.System}, "Context": sub.Context,
			}},
		}})
	}
}

// messageID is the id of the message that a make sends when power has changed.
func messageID(p *machineroom.Profile, power bos.PowerState) string {
	if p.EventID == "" {
		return "ResourceEvent.1.0.ResourcePowerStateChanged"
	}
	return strings.ReplaceAll(p.EventID, "%s", powerWords[power][0])
}

// restart lets a BMC lose what it keeps in its memory, if a fault wants it so.
func (f *Face) restart(bmc string, now time.Time) {
	if f.shows(fault.Restart, bmc, now) {
		f.sessions.forget(bmc)
		f.events.forget(bmc)
	}
}
