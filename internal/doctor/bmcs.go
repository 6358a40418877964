package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// atOnce is how many BMCs are greeted at the same time.
	atOnce = 16
	// maxTold is how many BMCs that do not answer are named.
	maxTold = 5
	// expires is how long before its end a certificate is worth a word.
	expires = 30 * 24 * time.Hour
	// slowShare of a timeout is when an answer is slow.
	slowShare = 2
	// defaultRead is the service's.
	defaultRead = 30 * time.Second
)

// greeted is a BMC that showed itself.
type greeted struct {
	redfish.BMC
	redfish.Greeting
}

// redfish greets some BMCs of the site and tries user and password on one of each make.
func (d *doctor) redfish(ctx context.Context, s *section, bmcs *redfish.Client) {
	const what = "power.redfish"
	d.networks(s)
	all, err := bmcs.BMCs(ctx)
	if err != nil {
		s.failed(what, "", err)
		return
	}
	d.withoutBMC(s, all)
	if most := transport.ConnectionBudget(); len(all) > most {
		s.warn(what, "", fmt.Sprintf("there are %d BMCs, and this process may keep %d connections to them", len(all), most), "raise the limit of open files (LimitNOFILE of the unit, ulimit -n)")
	}
	usable := slices.DeleteFunc(slices.Clone(all), func(b redfish.BMC) bool { return b.Fault != "" })
	if len(usable) == 0 && len(d.site.nodes) > 0 {
		s.bad(what, "", "no BMC of any node can be asked, so no node is powered on or off", "discover the BMCs, or post their ComponentEndpoints, enabled and with their addresses")
	}
	asked := sample(usable, d.BMCs)
	found := d.greet(ctx, s, bmcs, asked)
	if len(all) > len(asked) {
		s.ok(what, "", "%d of %d BMCs were asked for their make (--bmcs asks more)", len(asked), len(all))
	}
	tried := make(map[redfish.Kind]bool)
	for _, g := range found {
		if tried[g.Kind] {
			continue
		}
		tried[g.Kind] = true
		d.examine(ctx, s, bmcs, g)
	}
}

// networks judges where passwords may go.
func (d *doctor) networks(s *section) {
	r, i := d.Power.Redfish, d.Inventory
	if (i.HSM != nil || i.InventoryService != nil) && len(r.Networks) == 0 && r.PinsFile == "" {
		s.warn("power.redfish.networks", "", "it is not set, so the password of the BMCs goes to whatever address the inventory names", "name the networks of the BMCs, such as 10.1.0.0/16")
	}
	if r.Insecure {
		s.warn("power.redfish.insecure", "true", "any certificate is taken, so whoever is between gets the password", "pin the certificates (bos bmc pin), or give their authority to ca_file")
	}
}

// withoutBMC tells of nodes whose BMC cannot be asked, and of those without one.
func (d *doctor) withoutBMC(s *section, all []redfish.BMC) {
	has := make(map[string]bool)
	told := 0
	for _, b := range all {
		for _, id := range b.Nodes {
			has[id] = true
		}
		if b.Fault == "" {
			continue
		}
		if told++; told <= maxTold {
			s.told(LevelWarning, "bmc", fmt.Sprintf("%s of %s", b.Name, bos.Fold(b.Nodes)), b.Fault)
		}
	}
	if told > maxTold {
		s.warn("bmc", "", fmt.Sprintf("%d more BMCs cannot be asked", told-maxTold), "mend those above first")
	}
	var without []string
	for _, n := range d.site.nodes {
		if id := bos.CanonicalXname(n.ID); !has[id] && !n.Empty {
			without = append(without, id)
		}
	}
	if len(without) > 0 {
		s.warn("power.redfish", "", fmt.Sprintf("the inventory has no BMC of %d nodes (%s)", len(without), bos.Fold(without)), "discover their BMCs, or post ComponentEndpoints; nothing is done to these nodes")
	}
}

// greet asks BMCs for what they show to anybody, and tells of those that show nothing.
func (d *doctor) greet(ctx context.Context, s *section, bmcs *redfish.Client, asked []redfish.BMC) []greeted {
	var (
		mu     sync.Mutex
		found  []greeted
		failed = make(map[string]error)
		group  errgroup.Group
	)
	group.SetLimit(atOnce)
	for _, b := range asked {
		group.Go(func() error {
			g, err := bmcs.Greet(ctx, b)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[b.Name] = err
				return nil
			}
			found = append(found, greeted{b, g})
			return nil
		})
	}
	_ = group.Wait() // every failure is kept
	told := 0
	for _, b := range asked {
		err := failed[b.Name]
		if err == nil {
			continue
		}
		if told++; told <= maxTold {
			s.failed("bmc", b.Name, err)
		}
	}
	if told > maxTold {
		s.bad("bmc", "", fmt.Sprintf("%d more BMCs did not answer as they should, of %d that were asked", told-maxTold, len(asked)), "mend those above first; --bmcs asks more or fewer")
	}
	slices.SortFunc(found, func(a, b greeted) int { return bos.CompareXnames(a.Nodes[0], b.Nodes[0]) })
	return found
}

// name is a BMC with its make, for people.
func (g greeted) name() string {
	parts := []string{g.Name}
	if g.Kind.Make != "" {
		parts = append(parts, "("+strings.TrimSpace(g.Kind.Make+" "+g.Product)+")")
	}
	return strings.Join(parts, " ")
}

// examine tries user and password on one BMC, once.
func (d *doctor) examine(ctx context.Context, s *section, bmcs *redfish.Client, g greeted) {
	d.certificate(s, g)
	x := bmcs.Examine(ctx, g.Nodes[0])
	if x.State == bos.PowerStateUnknown {
		s.told(LevelError, "bmc", g.name(), x.Detail)
		return
	}
	resets := "it does not say what resets it offers"
	if len(x.Resets) > 0 {
		resets = "it offers " + transport.Excerpt(strings.Join(x.Resets, ", "))
	}
	s.ok("bmc", g.name(), "it takes user and password; %s is %s, read in %s; %s", g.Nodes[0], x.State, x.Took.Round(time.Millisecond), resets)
	read := d.Power.Redfish.ReadTimeout
	if read == 0 {
		read = defaultRead
	}
	if x.Took*slowShare > read {
		s.warn("bmc", g.name(), fmt.Sprintf("it took %s to say its power, and counts as silent after %s", x.Took.Round(time.Second), read), fmt.Sprintf("set read_timeout of it in power.redfish.bmcs to %s or more", (3*x.Took).Round(time.Second)))
	}
	if len(x.Resets) > 0 && !slices.ContainsFunc(x.Resets, func(r string) bool { return strings.Contains(r, "GracefulShutdown") }) {
		s.ok("bmc", g.name(), "it offers no graceful shutdown, so its nodes are powered off by force")
	}
}

// certificate judges how a BMC is connected to.
func (d *doctor) certificate(s *section, g greeted) {
	if g.TLS == nil {
		return
	}
	if g.TLS.Version < tls.VersionTLS12 {
		s.warn("bmc", g.name(), "it speaks "+tls.VersionName(g.TLS.Version)+", which others on its network may read", "upgrade its firmware")
	}
	if until := g.TLS.PeerCertificates[0].NotAfter; time.Until(until) < expires && d.trusts(g.Name) {
		s.warn("bmc", g.name(), "its TLS certificate is good until "+until.UTC().Format(time.DateOnly)+" only", "renew it, or pin it (bos bmc pin)")
	}
}

// trusts reports whether certificates count by who signed them and until when.
func (d *doctor) trusts(bmc string) bool {
	r := d.Power.Redfish
	pins, err := r.Pins()
	return !r.Insecure && err == nil && pins[bmc] == ""
}
