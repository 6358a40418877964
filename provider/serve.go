package provider

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"google.golang.org/grpc"
)

// Address is the provider's address in the registry.
const Address = "registry.terraform.io/bootorch/bos"

// What Terraform and its plugins know each other by.
const (
	// PluginCookie is the environment variable that Terraform starts plugins with.
	PluginCookie = "TF_PLUGIN_MAGIC_COOKIE"

	pluginProtocol    = 6
	pluginCookieValue = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
	maxPluginMessage  = 256 << 20
)

// Serve answers Terraform over the plugin protocol until Terraform ends it or is
// gone. It changes the settings of its process, which is Terraform's child and
// has no other purpose.
func Serve(version string) error {
	if err := hush(os.Getenv, os.Setenv); err != nil {
		return err
	}
	// A walk leaves garbage behind for seconds, not for days: a thousand
	// resources cost a fifth less this way.
	debug.SetGCPercent(800)
	line := newLifeline()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		for range signals {
			line.signal()
		}
	}()
	return serveUntil(line, func() tfprotov6.ProviderServer { return NewServer(New(version)()) })
}

// serveUntil serves until Terraform ends it, or is gone. Then the calls that it
// left behind, which are cancelled, get a moment to come to an end: what they do
// with nodes is not cut short, and what the process holds is free when it ends.
func serveUntil(line *lifeline, factory func() tfprotov6.ProviderServer) error {
	var server atomic.Pointer[grpc.Server]
	served := make(chan struct{})
	go func() {
		defer close(served)
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: pluginProtocol, MagicCookieKey: PluginCookie, MagicCookieValue: pluginCookieValue},
			Plugins:         plugin.PluginSet{"provider": &tf6server.GRPCProviderPlugin{GRPCProvider: factory, Name: Address}},
			GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
				s := grpc.NewServer(append(options, grpc.MaxRecvMsgSize(maxPluginMessage), grpc.MaxSendMsgSize(maxPluginMessage), grpc.StatsHandler(line), grpc.ChainUnaryInterceptor(withPlannedPrivate))...)
				server.Store(s)
				return s
			},
		})
	}()
	select {
	case <-served:
		return nil
	case <-line.gone():
	}
	s := server.Load()
	if s == nil {
		return errors.New("no Terraform connected; this program is started by Terraform, or as a service with the command serve")
	}
	go s.GracefulStop()
	select {
	case <-served:
	case <-time.After(lastCalls):
	}
	return nil
}

// hush switches logs off that nobody reads. Every call writes dozens of lines,
// which Terraform parses and drops unless it was asked for them.
func hush(getenv func(string) string, setenv func(name, value string) error) error {
	if getenv("TF_LOG") != "" || getenv("TF_LOG_PROVIDER") != "" {
		return nil
	}
	var errs []error
	for _, level := range []string{"TF_LOG_SDK", "TF_LOG_PROVIDER_BOS"} {
		if getenv(level) == "" {
			errs = append(errs, setenv(level, "OFF"))
		}
	}
	return errors.Join(errs...)
}

// frameworkServer is all that the framework's server can do.
type frameworkServer interface {
	tfprotov6.ProviderServerWithListResource //nolint:staticcheck // the type that replaces it does not exist yet
	tfprotov6.ProviderServerWithActions      //nolint:staticcheck // the type that replaces it does not exist yet
}

// server answers for the framework where there is nothing to work out.
type server struct {
	frameworkServer
	// tenant is that of the provider block; nil before it is configured.
	tenant func() *types.String
	// planned is what this walk has planned; nil before the provider is configured.
	planned func() *plannedOnce
}

// NewServer is the provider as Terraform talks to it.
func NewServer(p provider.Provider) tfprotov6.ProviderServer {
	framework := providerserver.NewProtocol6(p)()
	if full, ok := framework.(frameworkServer); ok {
		s := server{frameworkServer: full, tenant: func() *types.String { return nil }, planned: func() *plannedOnce { return nil }}
		if own, ok := p.(*bosProvider); ok {
			s.tenant, s.planned = own.tenant.Load, own.planned.Load
		}
		return s
	}
	return framework
}

// PlanResourceChange adds what only all the resources of a walk tell together.
func (s server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	if req.TypeName != "bos_component" {
		return s.frameworkServer.PlanResourceChange(withReviewed(ctx), req)
	}
	twice := s.planned().twoForOneNode(req)
	resp, err := s.planComponent(ctx, req)
	if twice != nil && err == nil {
		resp.Diagnostics = append(resp.Diagnostics, twice)
	}
	return resp, err
}

// planComponent answers without the framework where what Terraform proposes, that is
// the state with the configuration laid over it, is the state, and nothing else counts:
// half of what a refresh of a thousand components costs.
func (s server) planComponent(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	if unchanged(req.PriorState, req.ProposedNewState) && steadyComponent(req.Config, req.PriorPrivate) && steadyTenant(req.Config, req.PriorState, s.tenant()) {
		return &tfprotov6.PlanResourceChangeResponse{PlannedState: req.PriorState, PlannedPrivate: req.PriorPrivate, PlannedIdentity: req.PriorIdentity}, nil
	}
	return s.frameworkServer.PlanResourceChange(withReviewed(ctx), req)
}

// unchanged reports whether an object that exists is written the same twice.
func unchanged(prior, proposed *tfprotov6.DynamicValue) bool {
	return !isNull(prior) && proposed != nil && bytes.Equal(prior.MsgPack, proposed.MsgPack)
}

// ApplyResourceChange hands on by which preview the plan was made. The framework
// gives what a plan notes in private to updates, and not to what is created.
func (s server) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	if receipt := reviewedIn(req.PlannedPrivate); receipt != "" {
		ctx = reviewedBy(ctx, receipt)
	}
	ctx = replacing(ctx, replacesIn(req.PlannedPrivate))
	return s.frameworkServer.ApplyResourceChange(ctx, req)
}
