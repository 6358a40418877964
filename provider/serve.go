package provider

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime/debug"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// Address is the provider's address in the registry.
const Address = "registry.terraform.io/bootorch/bos"

// Serve answers Terraform over the plugin protocol until Terraform ends it. It
// changes the settings of its process, which is Terraform's child and has no
// other purpose.
func Serve(version string) error {
	if err := hush(os.Getenv, os.Setenv); err != nil {
		return err
	}
	// A walk leaves garbage behind for seconds, not for days: a thousand
	// resources cost a fifth less this way.
	debug.SetGCPercent(800)
	return tf6server.Serve(Address, func() tfprotov6.ProviderServer { return NewServer(New(version)()) })
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
type server struct{ frameworkServer }

// NewServer is the provider as Terraform talks to it.
func NewServer(p provider.Provider) tfprotov6.ProviderServer {
	framework := providerserver.NewProtocol6(p)()
	if full, ok := framework.(frameworkServer); ok {
		return server{full}
	}
	return framework
}

// steady are the kinds of resource of which nothing but configuration and state
// decides whether the plan changes something, unless private state has the key.
var steady = map[string]string{"bos_component": privateWaiting}

// PlanResourceChange answers without the framework where what Terraform proposes,
// that is the state with the configuration laid over it, is the state: half of
// what a refresh of a thousand components costs.
func (s server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	unless, isSteady := steady[req.TypeName]
	if isSteady && !bytes.Contains(req.PriorPrivate, []byte(unless)) && unchanged(req.PriorState, req.ProposedNewState) {
		return &tfprotov6.PlanResourceChangeResponse{PlannedState: req.PriorState, PlannedPrivate: req.PriorPrivate, PlannedIdentity: req.PriorIdentity}, nil
	}
	return s.frameworkServer.PlanResourceChange(ctx, req)
}

// unchanged reports whether an object that exists is written the same twice.
func unchanged(prior, proposed *tfprotov6.DynamicValue) bool {
	const null = 0xc0 // in MessagePack
	if prior == nil || proposed == nil || len(prior.MsgPack) == 0 || prior.MsgPack[0] == null {
		return false
	}
	return bytes.Equal(prior.MsgPack, proposed.MsgPack)
}
