// Package doctor tries the settings of a site on the site itself: each service that they
// name, one BMC of each make, and this machine. It changes nothing anywhere, and gives
// a BMC a password once.
package doctor

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

const (
	// DefaultTimeout bounds each part of a check.
	DefaultTimeout = 30 * time.Second
	// DefaultBMCs is how many BMCs are asked for their make.
	DefaultBMCs = 128
)

// Options say what is checked.
type Options struct {
	config.Config
	// AllowRemote is that of serve.
	AllowRemote bool
	// Images are paths of manifests that shall be readable.
	Images []string
	// Timeout bounds each part; 0 is DefaultTimeout.
	Timeout time.Duration
	// BMCs is how many BMCs are asked for their make, spread over the site; 0 is
	// DefaultBMCs.
	BMCs int
}

// doctor is one check.
type doctor struct {
	Options
	parts  assembly.Parts
	clocks clocks
	site   site
}

// site is what the inventory says, for the parts that come after it.
type site struct {
	nodes []bos.Node
	names []bos.NodeName
}

// Check tries everything and returns what it found, in the order of the settings.
func Check(ctx context.Context, o Options) Report {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.BMCs <= 0 {
		o.BMCs = DefaultBMCs
	}
	d := &doctor{Options: o}
	d.parts = assembly.Connect(o.Config, slog.New(slog.DiscardHandler), func(service string, h http.Header) { d.clocks.hear(service, h, time.Now()) })
	if bmcs, ok := d.parts.Power.(*redfish.Client); ok {
		defer bmcs.Close()
	}
	var findings []Finding
	// What the inventory lists, others are asked about.
	findings = append(findings, d.bounded(ctx, d.inventory)...)
	parts := []func(context.Context, *section){
		d.power, d.boot, d.scripts, d.workload, d.configuration, d.artifacts, d.images, d.tenants, d.secrets, d.database, d.auth, d.listen, d.named,
	}
	found := make([][]Finding, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() { found[i] = d.bounded(ctx, part) })
	}
	all.Wait()
	for _, f := range found {
		findings = append(findings, f...)
	}
	var s section
	d.clocks.tell(&s)
	return Report{append(findings, s.findings...)}
}

// bounded does one part within its time.
func (d *doctor) bounded(ctx context.Context, part func(context.Context, *section)) []Finding {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	s := section{late: ctx, within: d.Timeout}
	part(ctx, &s)
	return s.findings
}

// sample are at most so many of a list, spread over it.
func sample[T any](list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	picked := make([]T, 0, most)
	for i := range most {
		picked = append(picked, list[i*len(list)/most])
	}
	return picked
}
