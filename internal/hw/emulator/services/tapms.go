package services

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// TAPMSBase is where TAPMS is on the services' listener.
const TAPMSBase = "/tapms/v1alpha3"

// tenants are the tenants and their nodes. The zero value has none.
type tenants struct {
	mu sync.Mutex
	of map[string][]string
}

// SetTenant gives nodes to a tenant, which comes to be; without nodes it goes.
// A node may be in more than one, as nothing in TAPMS forbids it.
func (f *Face) SetTenant(name string, nodes ...string) {
	f.tenants.mu.Lock()
	defer f.tenants.mu.Unlock()
	if f.tenants.of == nil {
		f.tenants.of = make(map[string][]string)
	}
	if len(nodes) == 0 {
		delete(f.tenants.of, name)
		return
	}
	canonical := make([]string, len(nodes))
	for i, id := range nodes {
		canonical[i] = bos.CanonicalXname(id)
	}
	f.tenants.of[name] = canonical
}

// setTenants reads those of the configuration.
func (f *Face) setTenants() error {
	for name, folded := range f.config.Tenants {
		nodes, err := bos.Expand(folded, machineroom.MaxNodes)
		if err == nil && (name == "" || len(nodes) == 0) {
			err = errors.New("a tenant has a name and nodes")
		}
		if err != nil {
			return fmt.Errorf("the tenant %q with the nodes %q: %w", name, folded, err)
		}
		f.SetTenant(name, nodes...)
	}
	return nil
}

type tapmsResource struct {
	Type      string   `json:"type"`
	Xnames    []string `json:"xnames"`
	Partition string   `json:"hsmpartitionname,omitempty"`
	Group     string   `json:"hsmgrouplabel,omitempty"`
	Exclusive bool     `json:"enforceexclusivehsmgroups"`
}

type tapmsSpec struct {
	Name       string          `json:"tenantname"`
	State      string          `json:"state"`
	Namespaces []string        `json:"childnamespaces"`
	Resources  []tapmsResource `json:"tenantresources"`
}

type tapmsStatus struct {
	Namespaces []string        `json:"childnamespaces"`
	Resources  []tapmsResource `json:"tenantresources"`
	UUID       string          `json:"uuid"`
}

type tapmsTenant struct {
	Metadata map[string]string `json:"metadata"`
	Spec     tapmsSpec         `json:"spec"`
	Status   tapmsStatus       `json:"status"`
}

// all are the tenants by name; with xnames, those that have any of them.
func (t *tenants) all(xnames []string) []tapmsTenant {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []tapmsTenant{}
	for _, name := range slices.Sorted(maps.Keys(t.of)) {
		nodes := t.of[name]
		if xnames == nil || slices.ContainsFunc(xnames, func(id string) bool { return slices.Contains(nodes, id) }) {
			list = append(list, tenantNamed(name, nodes))
		}
	}
	return list
}

func tenantNamed(name string, nodes []string) tapmsTenant {
	resources := []tapmsResource{{Type: "compute", Xnames: slices.Clone(nodes), Partition: name, Group: name, Exclusive: true}}
	spaces := []string{name + "-slurm"}
	return tapmsTenant{
		Metadata: map[string]string{"name": name, "namespace": "tenants"},
		Spec:     tapmsSpec{name, "Deployed", spaces, resources},
		// The same over restarts, as a tenant is known by it too.
		Status: tapmsStatus{spaces, resources, uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name)).String()},
	}
}

func (f *Face) tapmsRoutes() map[string]http.HandlerFunc {
	list := func(w http.ResponseWriter, xnames []string) {
		w.Header().Set("Content-Type", jsonUTF8)
		wire.Answer(w, http.StatusOK, map[string]any{"metadata": map[string]string{}, "items": f.tenants.all(xnames)})
	}
	return map[string]http.HandlerFunc{
		"GET " + TAPMSBase + "/tenants": func(w http.ResponseWriter, _ *http.Request) { list(w, nil) },
		"POST " + TAPMSBase + "/tenants": func(w http.ResponseWriter, r *http.Request) {
			xnames := []string{}
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, wire.MaxRequest)).Decode(&xnames); err != nil {
				wire.Answer(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
				return
			}
			list(w, xnames)
		},
		"GET " + TAPMSBase + "/tenants/{id}": f.oneTenant,
	}
}

// oneTenant finds a tenant by its name or UUID.
func (f *Face) oneTenant(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	w.Header().Set("Content-Type", jsonUTF8)
	for _, t := range f.tenants.all(nil) {
		if t.Spec.Name == id || t.Status.UUID == id {
			wire.Answer(w, http.StatusOK, t)
			return
		}
	}
	wire.Answer(w, http.StatusNotFound, fmt.Sprintf("Tenant with name/uuid '%s' not found.", id))
}
