package services

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// bootParameters is what BSS takes and gives for hosts.
type bootParameters struct {
	Hosts  []string `json:"hosts"`
	Params string   `json:"params,omitempty"`
	Kernel string   `json:"kernel,omitempty"`
	Initrd string   `json:"initrd,omitempty"`
}

// putBootParameters gives a token for each write, even for one that changes
// nothing or names hosts that nobody knows, but not for one without hosts.
func (f *Face) putBootParameters(w http.ResponseWriter, r *http.Request) {
	var body bootParameters
	if !wire.Decode(w, r, &body) {
		return
	}
	if len(body.Hosts) > 0 {
		token := uuid.NewString()
		f.room.SetBootParameters(body.Hosts, bos.BootArtifacts{Kernel: body.Kernel, Initrd: body.Initrd, KernelParameters: body.Params}, token)
		w.Header().Set("Bss-Referral-Token", token)
	}
	w.Header().Set("Content-Type", jsonUTF8)
	w.WriteHeader(http.StatusOK)
}

func (f *Face) deleteBootParameters(w http.ResponseWriter, r *http.Request) {
	var body bootParameters
	if !wire.Decode(w, r, &body) {
		return
	}
	f.room.DeleteBootParameters(body.Hosts)
	w.Header().Set("Content-Type", jsonUTF8)
	w.WriteHeader(http.StatusOK)
}

// getBootParameters lists those of the hosts named, or of all.
func (f *Face) getBootParameters(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["name"]
	if len(names) == 0 {
		for _, n := range f.room.Inventory().Nodes {
			names = append(names, n.ID)
		}
	}
	list := []bootParameters{}
	for _, id := range names {
		if a, _, ok := f.room.BootParameters(id); ok {
			list = append(list, bootParameters{[]string{id}, a.KernelParameters, a.Kernel, a.Initrd})
		}
	}
	w.Header().Set("Content-Type", jsonUTF8)
	wire.Answer(w, http.StatusOK, list)
}

// bootScript is the iPXE script of a node, by name or NID. One that BSS has
// nothing for is told to ask again.
func (f *Face) bootScript(w http.ResponseWriter, r *http.Request) {
	node, known := f.scriptNode(r)
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	again := fmt.Sprintf("chain http://%s/boot/v1/bootscript?%s", f.config.Address(), r.URL.Query().Encode())
	a, token, ok := f.room.BootParameters(node.ID)
	if !known || !ok {
		_, _ = fmt.Fprintf(w, "#!ipxe\nsleep 10\n%s\n", again) // the client is gone if this fails
		return
	}
	_, _ = fmt.Fprintf(w, "#!ipxe\n"+ // the client is gone if this fails
		"kernel --name kernel %s initrd=initrd %s xname=%s nid=%d bss_referral_token=%s || goto boot_retry\n"+
		"initrd --name initrd %s || goto boot_retry\n"+
		"boot || goto boot_retry\n"+
		":boot_retry\nsleep 30\n%s&retry=1\n", a.Kernel, a.KernelParameters, node.ID, node.NID, token, a.Initrd, again)
}

func (f *Face) scriptNode(r *http.Request) (machineroom.NodeState, bool) {
	query, now := r.URL.Query(), time.Now()
	if name := query.Get("name"); name != "" {
		return f.room.Node(name, now)
	}
	nid, err := strconv.Atoi(query.Get("nid"))
	if err != nil {
		return machineroom.NodeState{}, false
	}
	for _, n := range f.room.States(now) {
		if n.NID == nid {
			return n, true
		}
	}
	return machineroom.NodeState{}, false
}
