package redfish

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// BMCs count failed logins, of all their clients together, and lock the account:
// after three to five, for minutes to an hour, and anew with each one more. So a
// password that was refused is not tried again and again.
const (
	// maxTries is how often a BMC is given a password that it refuses, and
	// maxRefused how often it is given any that it does, within triesFor.
	maxTries, maxRefused = 2, 4
	triesFor             = 15 * time.Minute
	// doubtAfter is how many BMCs in a row, without one that accepts, put the
	// user and password of all in doubt. Then one at a time is tried, and
	// after one that refuses none for canaryPause.
	doubtAfter = 3
	// maxKnown is how many passwords of an account are told from new ones.
	maxKnown    = 4
	canaryPause = 15 * time.Second
	// spentPause is how much later a BMC is tried for each of its refusals.
	spentPause = 5 * time.Second
)

// secret stands for a user and password without telling them.
type secret [sha256.Size]byte

func secretOf(user, password string) secret {
	return sha256.Sum256(fmt.Appendf(nil, "%q %q", user, password))
}

// guard says who may be given which password now. The zero value knows of no
// refusal.
type guard struct {
	// cautious takes the first refusal for the last word.
	cautious bool

	mu sync.Mutex
	// refusals are those of the last triesFor, by address of the BMC.
	refusals map[string][]refusedTry
	// accounts are by user: that a password is another one does not mean that
	// it is right.
	accounts map[string]*account
}

type refusedTry struct {
	secret secret
	at     time.Time
}

// account is what is known of a user at all BMCs that have it.
type account struct {
	// known are the last passwords that were given to a BMC.
	known []secret
	// refusedBy are BMCs that refused it since one accepted, up to doubtAfter.
	refusedBy map[string]bool
	// trying says that a BMC is being tried while the account is in doubt, next
	// is when another one may be.
	trying bool
	next   time.Time
}

func (a *account) doubtful() bool { return len(a.refusedBy) >= doubtAfter }

// admit asks whether a BMC may be given a password. If so, done is to be called with
// what came of it; if not, why says it.
func (g *guard) admit(address, user string, s secret, now time.Time) (done func(verdict), why *transport.Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.heldUntil(address, s, now); !until.IsZero() {
		return nil, transport.Withhold(fmt.Sprintf("the BMC %s refused the user and password, and is not given them again before they change, or before %s, lest it locks the account; "+
			"correct power.redfish.credentials, or its own in the inventory file; a BMC that takes no Basic credentials needs power.redfish.sessions: true", address, until.UTC().Format(time.TimeOnly+" MST")))
	}
	if g.accounts == nil {
		g.accounts = make(map[string]*account)
	}
	key := user
	if g.cautious {
		key = string(s[:])
	}
	a := g.accounts[key]
	if a == nil {
		a = &account{refusedBy: make(map[string]bool)}
		g.accounts[key] = a
	}
	if g.cautious && len(a.refusedBy) > 0 {
		return nil, transport.Withhold(fmt.Sprintf("the BMC %s is not given the user and password, as %s refused them, lest both lock the account; correct power.redfish.credentials, or its own in the inventory file",
			address, strings.Join(slices.Sorted(maps.Keys(a.refusedBy)), ", ")))
	}
	if !slices.Contains(a.known, s) {
		// Another password may be right; of two that a site has, neither is new.
		a.known, a.next = append(a.known[max(0, len(a.known)-maxKnown+1):], s), now
	}
	if !a.doubtful() {
		return func(v verdict) { g.note(address, s, a, v, false) }, nil
	}
	// Those that refused fewer come first: whoever is asked four times is out.
	if spent := time.Duration(len(g.refusals[address])) * spentPause; a.trying || now.Before(a.next.Add(spent)) {
		return nil, transport.Withhold(fmt.Sprintf("the BMC %s is not given the user and password for now: %s and no other BMC accepted them of late, and one BMC at a time is tried until one accepts, lest all lock the account; "+
			"correct power.redfish.credentials", address, strings.Join(slices.Sorted(maps.Keys(a.refusedBy)), ", ")))
	}
	a.trying = true
	return func(v verdict) { g.note(address, s, a, v, true) }, nil
}

// heldUntil is when a BMC may be given a password again; zero is now.
func (g *guard) heldUntil(address string, s secret, now time.Time) time.Time {
	kept := slices.DeleteFunc(g.refusals[address], func(r refusedTry) bool { return now.Sub(r.at) >= triesFor })
	if len(kept) == 0 {
		delete(g.refusals, address)
		return time.Time{}
	}
	g.refusals[address] = kept
	var same []refusedTry
	for _, r := range kept {
		if r.secret == s {
			same = append(same, r)
		}
	}
	switch {
	case g.cautious:
		return kept[len(kept)-1].at.Add(triesFor)
	case len(same) >= maxTries:
		return same[len(same)-maxTries].at.Add(triesFor)
	case len(kept) >= maxRefused:
		return kept[len(kept)-maxRefused].at.Add(triesFor)
	default:
		return time.Time{}
	}
}

// verdict is what an answer says of the user and password.
type verdict int

const (
	// unclear: there was no answer, or it is about something else.
	unclear verdict = iota
	accepted
	refused
	// refusedPerhaps: it may be that the password was asked for in another way.
	refusedPerhaps
)

// note takes in what came of a try.
func (g *guard) note(address string, s secret, a *account, v verdict, canary bool) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if canary {
		a.trying = false
	}
	switch v {
	case accepted:
		delete(g.refusals, address)
		clear(a.refusedBy)
		a.next = time.Time{}
	case refused, refusedPerhaps:
		if g.refusals == nil || len(g.refusals) >= maxLearned {
			g.refusals = make(map[string][]refusedTry)
		}
		g.refusals[address] = append(g.refusals[address], refusedTry{s, now})
		if v == refused && !a.doubtful() {
			a.refusedBy[address] = true
		}
		if canary {
			a.next = now.Add(canaryPause)
		}
	case unclear:
	}
}

// says is what an answer to a request with credentials says of them.
func says(res *transport.Response) verdict {
	switch {
	case res == nil:
		return unclear
	case transport.Accepted(res.Status):
		return accepted
	case refusesLogin(res.Status):
		return refused
	default:
		return unclear
	}
}
