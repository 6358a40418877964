package machineroom

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// News is that something about a node has changed of which HSM or its BMC tells
// those who asked for it.
type News struct {
	Node, BMC, System string
	At                time.Time
	// State is its new state in HSM, Enabled whether it was enabled or
	// disabled, Power that it is now on or off; each empty if it is as it was.
	State   string
	Enabled *bool
	Power   bos.PowerState
}

// maxNews bounds what nobody has taken; what is beyond is lost, as are
// notifications that find nobody.
const maxNews = 1 << 17

// Watch makes the room note news from now on.
func (r *Room) Watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched = true
}

// TakeNews is the news since it was last called, in the order in which the room
// came to know of them.
func (r *Room) TakeNews() []News {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.news
	r.news = nil
	return taken
}

// note adds what has changed about a node, given what it was before.
func (r *Room) note(n *node, before NodeState, at time.Time) {
	now := n.state()
	news := News{Node: n.ID, BMC: n.endpoint.BMC, System: n.endpoint.System, At: at}
	if state := now.State(); state != before.State() {
		news.State = state
	}
	if now.Enabled != before.Enabled {
		news.Enabled = &now.Enabled
	}
	if on := now.Power == bos.PowerStateOn; now.Power != before.Power && (on || now.Power == bos.PowerStateOff) {
		news.Power = now.Power
	}
	if len(r.news) < maxNews && (news.State != "" || news.Enabled != nil || news.Power != "") {
		r.news = append(r.news, news)
	}
}
