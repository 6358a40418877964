package assembly

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/proofs"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
	"github.com/bootorch/terraform-provider-bos/internal/service/reports"
)

// namesOf are the names of the nodes of an inventory.
func namesOf(inventory bos.InventorySource, log *slog.Logger) *nodenames.Names {
	source, _ := inventory.(bos.NodeNames)
	return nodenames.New(source, nil, log)
}

// keyOf is the key of node tokens, read once.
func keyOf(store database) func(context.Context) ([]byte, error) {
	var mu sync.Mutex
	var key []byte
	return func(ctx context.Context) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if key != nil {
			return key, nil
		}
		read, err := store.NodeKey(ctx)
		if err == nil {
			key = read
		}
		return read, err
	}
}

// nodeTokens makes the tokens of nodes for their boot scripts.
func nodeTokens(store database) func(ctx context.Context, xname, referral string) (string, error) {
	keyed := keyOf(store)
	return func(ctx context.Context, xname, referral string) (string, error) {
		key, err := keyed(ctx)
		if err != nil {
			return "", err
		}
		return bos.NodeToken(key, bos.CanonicalXname(xname), referral), nil
	}
}

// wireProofs asks for proofs of boots where there is an inventory that knows whom to ask.
func wireProofs(inventory bos.InventorySource, names *nodenames.Names) bos.BootProofs {
	if inventory == nil {
		return nil
	}
	pc := proofs.Config{Addresses: names.Addresses}
	if h, ok := inventory.(*hsm.Client); ok {
		pc.States = h.States
	}
	return proofs.New(pc)
}

// wireReports takes the reports of nodes.
func (a *Assembly) wireReports(c config.Config, names *nodenames.Names) {
	rc := reports.Config{
		API: a.service.Handler(), Names: names, Writable: a.service.Driving, Log: a.log,
		AnySource: c.Report.AnySource || c.BootParameters.Builtin != nil && c.BootParameters.Builtin.AnySource,
		Required:  c.Report.NodeTokens == config.NodeTokensRequired,
	}
	if c.Report.HandsOutTokens() {
		rc.NodeKey = keyOf(a.store)
	}
	a.reports = reports.New(rc)
}

// Nodes serves what the network of the nodes may reach where boot scripts are built
// in: these, and reports. It is nil where they are not.
func (a *Assembly) Nodes() http.Handler {
	if a.scripts == nil {
		return nil
	}
	return a.nodesLog().Handler(a.reports.Handler(a.scripts.Scripts()))
}

// Reports serves reports alone.
func (a *Assembly) Reports() http.Handler {
	return a.nodesLog().Handler(a.reports.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "nodes report here with PATCH /v2/components/XNAME, or phone home with POST /x/v1/phone-home, and there is nothing else", http.StatusNotFound)
	})))
}
