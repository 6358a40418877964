package services

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// bootParameters is what BSS takes and gives for hosts.
type bootParameters struct {
	Hosts  []string `json:"hosts,omitempty"`
	MACs   []string `json:"macs,omitempty"`
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
	if len(body.Hosts)+len(body.MACs) > 0 {
		w.Header().Set("Bss-Referral-Token", f.storeParameters(body))
	}
	w.Header().Set("Content-Type", jsonUTF8)
	w.WriteHeader(http.StatusOK)
}

// storeParameters keeps boot parameters and returns their token. Where nodes are found
// by MAC address alone, what is stored under their names boots nobody, and their token
// is that of the parameters.
func (f *Face) storeParameters(body bootParameters) (token string) {
	token = uuid.NewString()
	artifacts := bos.BootArtifacts{Kernel: body.Kernel, Initrd: body.Initrd, KernelParameters: body.Params}
	switch {
	case f.forgets(fault.BSS, fault.FormNodes):
	case f.byMAC():
		f.hosts.put(body.Hosts, artifacts)
		for _, word := range strings.Fields(body.Params) {
			if own, is := strings.CutPrefix(word, "bss_referral_token="); is {
				token = own
			}
		}
		f.room.SetBootParameters(f.nodesOf(body.MACs), artifacts, token)
	default:
		f.room.SetBootParameters(body.Hosts, artifacts, token)
	}
	return token
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

// getBootParameters lists those of the hosts or MAC addresses named, or of all.
func (f *Face) getBootParameters(w http.ResponseWriter, r *http.Request) {
	names, macs := r.URL.Query()["name"], r.URL.Query()["mac"]
	if len(names)+len(macs) == 0 {
		for _, n := range f.room.Inventory().Nodes {
			names = append(names, n.ID)
		}
	}
	list := []bootParameters{}
	add := func(id string, a bos.BootArtifacts, ok bool) {
		if ok {
			list = append(list, bootParameters{Hosts: []string{id}, Params: a.KernelParameters, Kernel: a.Kernel, Initrd: a.Initrd})
		}
	}
	for _, id := range f.nodesOf(macs) {
		a, _, ok := f.room.BootParameters(id)
		add(id, a, ok)
	}
	byMAC := f.byMAC()
	for _, id := range names {
		if byMAC {
			a, ok := f.hosts.get(id)
			add(id, a, ok)
			continue
		}
		a, _, ok := f.room.BootParameters(id)
		add(id, a, ok)
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
		"kernel --name kernel %s %s || goto boot_retry\n"+
		"initrd --name initrd %s || goto boot_retry\n"+
		"boot || goto boot_retry\n"+
		":boot_retry\nsleep 30\n%s&retry=1\n", a.Kernel, withInitrd(fmt.Sprintf("%s xname=%s nid=%d bss_referral_token=%s", a.KernelParameters, node.ID, node.NID, token)), a.Initrd, again)
}

// withInitrd is a command line as BSS makes it: what it takes for an initrd of another
// name is cut out, from the first place where the word is to the next space.
func withInitrd(line string) string {
	if before, from, there := strings.Cut(line, "initrd"); there {
		if _, rest, more := strings.Cut(from, " "); more {
			line = before + " " + rest
		} else {
			line = before
		}
	}
	return "initrd=initrd " + line
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
