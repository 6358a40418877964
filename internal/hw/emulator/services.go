package emulator

import (
	"crypto/md5" //nolint:gosec // S3 etags are MD5
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxRequest bounds a request body, in bytes: 100,000 hosts.
const maxRequest = 8 << 20

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

// services is HSM and BSS on one listener. address says where a BMC listens.
func (s *Server) services() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hsm/v2/State/Components", s.components)
	mux.HandleFunc("GET /hsm/v2/Inventory/ComponentEndpoints", s.endpointsList)
	mux.HandleFunc("GET /hsm/v2/groups", s.groups)
	mux.HandleFunc("GET /hsm/v2/partitions", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, []any{}) })
	mux.HandleFunc("GET /hsm/v2/locks/status", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"Components": []any{}})
	})
	mux.HandleFunc("GET /hsm/v2/service/ready", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"code": 0, "message": "HSM is healthy"})
	})
	mux.HandleFunc("POST /hsm/v2/groups/{group}/members", s.addMember)
	mux.HandleFunc("PUT /boot/v1/bootparameters", s.putBootParameters)
	mux.HandleFunc("GET /boot/v1/bootparameters", s.getBootParameters)
	mux.HandleFunc("GET /boot/v1/bootscript", s.bootScript)
	mux.Handle("/boot-images/", http.HandlerFunc(s.bucket))
	return mux
}

func (s *Server) components(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	list := []map[string]any{}
	for i, n := range s.room.Inventory().Nodes {
		state := "Off"
		if power, _ := s.room.Power(n.ID, now); power == bos.PowerStateOn {
			state = "On"
		}
		c := map[string]any{"ID": n.ID, "Type": "Node", "State": state, "Flag": "OK", "Enabled": n.Enabled, "Role": n.Role, "NID": i + 1, "NetType": "Sling", "Class": "Mountain"}
		if n.SubRole != "" {
			c["SubRole"] = n.SubRole
		}
		if n.Arch != "" {
			c["Arch"] = n.Arch
		}
		list = append(list, c)
	}
	answer(w, 200, map[string]any{"Components": list})
}

func (s *Server) endpointsList(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for _, id := range s.room.order {
		e := s.room.nodes[id].endpoint
		if e.BMC == "" {
			continue
		}
		address := s.bmcAddress(e.BMC)
		list = append(list, map[string]any{
			"ID": id, "Type": "Node", "RedfishType": "ComputerSystem", "OdataID": e.System, "RedfishEndpointID": e.BMC,
			"RedfishEndpointFQDN": address, "RedfishURL": address + e.System, "Enabled": true,
			"RedfishSystemInfo": map[string]any{"Name": e.System[strings.LastIndexByte(e.System, '/')+1:], "Actions": map[string]any{
				"#ComputerSystem.Reset": map[string]any{"ResetType@Redfish.AllowableValues": e.ResetTypes, "target": e.System + "/Actions/ComputerSystem.Reset"},
			}},
		})
	}
	answer(w, 200, map[string]any{"ComponentEndpoints": list})
}

func (s *Server) groups(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for label, ids := range s.room.Inventory().Groups {
		list = append(list, map[string]any{"label": label, "description": "", "members": map[string]any{"ids": ids}})
	}
	answer(w, 200, list)
}

func (s *Server) addMember(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID string `json:"id"`
	}
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&body) != nil || body.ID == "" {
		answer(w, 400, map[string]any{"type": "about:blank", "title": "Bad Request", "detail": "a member has an id", "status": 400})
		return
	}
	s.room.AddToGroup(r.PathValue("group"), bos.CanonicalXname(body.ID))
	answer(w, 201, []map[string]string{{"URI": r.URL.Path + "/" + body.ID}})
}

func (s *Server) putBootParameters(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Hosts  []string `json:"hosts"`
		Kernel string   `json:"kernel"`
		Initrd string   `json:"initrd"`
		Params string   `json:"params"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&body); err != nil {
		answer(w, 400, map[string]any{"type": "about:blank", "title": "Bad Request", "detail": err.Error(), "status": 400})
		return
	}
	token := uuid.NewString()
	s.room.SetBootParameters(body.Hosts, bos.BootArtifacts{Kernel: body.Kernel, Initrd: body.Initrd, KernelParameters: body.Params}, token)
	w.Header().Set("Bss-Referral-Token", token)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(http.StatusOK)
}

func (s *Server) getBootParameters(w http.ResponseWriter, r *http.Request) {
	list := []map[string]any{}
	for _, id := range r.URL.Query()["name"] {
		if a, _, ok := s.room.BootParameters(id); ok {
			list = append(list, map[string]any{"hosts": []string{id}, "kernel": a.Kernel, "initrd": a.Initrd, "params": a.KernelParameters})
		}
	}
	answer(w, 200, list)
}

func (s *Server) bootScript(w http.ResponseWriter, r *http.Request) {
	a, token, ok := s.room.BootParameters(r.URL.Query().Get("name"))
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = fmt.Fprintf(w, "#!ipxe\nkernel --name kernel %s initrd=initrd %s bss_referral_token=%s || goto boot_retry\ninitrd --name initrd %s || goto boot_retry\nboot || goto boot_retry\n",
		a.Kernel, a.KernelParameters, token, a.Initrd)
}

// Images the emulator's S3 holds.
const (
	ImageX86 = "00000000-0000-4000-8000-000000000001"
	ImageARM = "00000000-0000-4000-8000-000000000002"
)

func etag(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // S3 etags are MD5
	return hex.EncodeToString(sum[:])
}

// objects is the content of the bucket boot-images.
func objects() map[string][]byte {
	all := make(map[string][]byte)
	for image, arch := range map[string]string{ImageX86: "x86_64", ImageARM: "aarch64"} {
		var artifacts []map[string]any
		add := func(name, kind string, content string) {
			all[image+"/"+name] = []byte(content)
			artifacts = append(artifacts, map[string]any{
				"link": map[string]string{"path": "s3://boot-images/" + image + "/" + name, "etag": etag([]byte(content)), "type": "s3"},
				"md5":  etag([]byte(content)), "type": "application/vnd.cray.image." + kind,
			})
		}
		add("kernel", "kernel", "kernel "+arch)
		add("initrd", "initrd", "initrd "+arch)
		add("rootfs", "rootfs.squashfs", "rootfs "+arch)
		add("boot_parameters", "parameters.boot", "console=ttyS0,115200 ip=dhcp\n")
		body, err := json.MarshalIndent(map[string]any{"version": "1.0", "artifacts": artifacts}, "", "  ")
		if err == nil {
			all[image+"/manifest.json"] = body
		}
	}
	return all
}

// bucket serves objects to holders of the access key.
func (s *Server) bucket(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+accessKey+"/") {
		s3Error(w, http.StatusForbidden, "AccessDenied")
		return
	}
	body, ok := s.objects[strings.TrimPrefix(r.URL.Path, "/boot-images/")]
	if !ok {
		s3Error(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", `"`+etag(body)+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", s.started, strings.NewReader(string(body)))
}

func s3Error(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>"+code+"</Message></Error>")
}
