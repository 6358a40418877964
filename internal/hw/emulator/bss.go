package emulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
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
func (s *Server) putBootParameters(w http.ResponseWriter, r *http.Request) {
	var body bootParameters
	if !decode(w, r, &body) {
		return
	}
	if len(body.Hosts) > 0 {
		token := uuid.NewString()
		s.room.SetBootParameters(body.Hosts, bos.BootArtifacts{Kernel: body.Kernel, Initrd: body.Initrd, KernelParameters: body.Params}, token)
		w.Header().Set("Bss-Referral-Token", token)
	}
	w.Header().Set("Content-Type", jsonUTF8)
	w.WriteHeader(http.StatusOK)
}

func (s *Server) deleteBootParameters(w http.ResponseWriter, r *http.Request) {
	var body bootParameters
	if !decode(w, r, &body) {
		return
	}
	s.room.DeleteBootParameters(body.Hosts)
	w.Header().Set("Content-Type", jsonUTF8)
	w.WriteHeader(http.StatusOK)
}

// getBootParameters lists those of the hosts named, or of all.
func (s *Server) getBootParameters(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["name"]
	if len(names) == 0 {
		for _, n := range s.room.Inventory().Nodes {
			names = append(names, n.ID)
		}
	}
	list := []bootParameters{}
	for _, id := range names {
		if a, _, ok := s.room.BootParameters(id); ok {
			list = append(list, bootParameters{[]string{id}, a.KernelParameters, a.Kernel, a.Initrd})
		}
	}
	w.Header().Set("Content-Type", jsonUTF8)
	answer(w, http.StatusOK, list)
}

// bootScript is the iPXE script of a node, by name or NID. One that BSS has
// nothing for is told to ask again.
func (s *Server) bootScript(w http.ResponseWriter, r *http.Request) {
	node, known := s.scriptNode(r)
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	again := fmt.Sprintf("chain http://%s/boot/v1/bootscript?%s", s.plain.Addr(), r.URL.Query().Encode())
	a, token, ok := s.room.BootParameters(node.ID)
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

func (s *Server) scriptNode(r *http.Request) (NodeState, bool) {
	query, now := r.URL.Query(), time.Now()
	if name := query.Get("name"); name != "" {
		return s.room.Node(name, now)
	}
	nid, err := strconv.Atoi(query.Get("nid"))
	if err != nil {
		return NodeState{}, false
	}
	for _, n := range s.room.States(now) {
		if n.NID == nid {
			return n, true
		}
	}
	return NodeState{}, false
}
