package bootservice

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is what a Service stands on.
type Config struct {
	// Nodes are those that it knows; it is asked each time.
	Nodes func() []Node
	// Changed is told after each change of a configuration; nil is nobody.
	Changed func()
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

// Service is one boot-service. It is safe for concurrent use.
type Service struct {
	nodes   func() []Node
	changed func()
	now     func() time.Time

	mu             sync.Mutex
	configurations []*Configuration
	made           int
	cache          map[string]kept
}

// New makes one without configurations.
func New(c Config) *Service {
	s := &Service{nodes: c.Nodes, changed: c.Changed, now: c.Now, cache: make(map[string]kept)}
	if s.changed == nil {
		s.changed = func() {}
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Boots is what a node boots; false for nothing.
func (s *Service) Boots(n Node) (Spec, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := choose(s.configurations, n)
	if c == nil {
		return Spec{}, false
	}
	spec := c.Spec
	spec.Kernel, spec.Initrd, spec.Params = escaped(spec.Kernel), escaped(spec.Initrd), escaped(spec.Params)
	return spec, true
}

// Configurations are all that are stored.
func (s *Service) Configurations() []Configuration {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Configuration, len(s.configurations))
	for i, c := range s.configurations {
		list[i] = *c
	}
	return list
}

// Add stores a configuration, as somebody else does, and returns its uid.
func (s *Service) Add(name string, labels map[string]string, spec Spec) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(name, labels, spec).UID
}

func (s *Service) add(name string, labels map[string]string, spec Spec) *Configuration {
	s.made++
	c := &Configuration{Name: name, UID: fmt.Sprintf("bootconfiguration-%08x", s.made), Labels: labels, Spec: spec}
	s.configurations = append(s.configurations, c)
	return c
}

// Handler is its API. The paths of BSS are those of a boot-service that is new: it
// has /bootparameters and /service/status at its root, and nothing at /boot/v1.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /service/status", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{
			"service_name": "boot-script-service", "service_version": "2.0.0-fabrica", "service_status": "running",
			"details": map[string]string{"framework": "fabrica", "timestamp": s.now().Format(time.RFC3339)},
		})
	})
	mux.HandleFunc("GET /nodes", s.listNodes)
	mux.HandleFunc("GET /bootconfigurations", s.list)
	mux.HandleFunc("POST /bootconfigurations", s.create)
	mux.HandleFunc("GET /bootconfigurations/{uid}", s.one)
	mux.HandleFunc("PUT /bootconfigurations/{uid}", s.update)
	mux.HandleFunc("DELETE /bootconfigurations/{uid}", s.remove)
	mux.HandleFunc("GET /bootscript", s.bootScript)
	return mux
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

func refuse(w http.ResponseWriter, status int, why string) {
	answer(w, status, map[string]any{"error": why, "code": status})
}

type metadata struct {
	Name   string            `json:"name"`
	UID    string            `json:"uid,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}

type document struct {
	APIVersion string            `json:"apiVersion,omitempty"`
	Kind       string            `json:"kind,omitempty"`
	Metadata   metadata          `json:"metadata"`
	Labels     map[string]string `json:"labels,omitempty"`
	Spec       Spec              `json:"spec"`
}

func (c *Configuration) document() document {
	return document{APIVersion: "v1", Kind: "BootConfiguration", Metadata: metadata{c.Name, c.UID, c.Labels}, Spec: c.Spec}
}

func (s *Service) listNodes(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for i, n := range s.nodes() {
		list = append(list, map[string]any{
			"apiVersion": "v1", "kind": "Node", "spec": n, "status": map[string]any{},
			"metadata": metadata{Name: n.XName, UID: fmt.Sprintf("node-%08x", i)},
		})
	}
	answer(w, http.StatusOK, list)
}

func (s *Service) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	list := make([]document, len(s.configurations))
	for i, c := range s.configurations {
		list[i] = c.document()
	}
	s.mu.Unlock()
	answer(w, http.StatusOK, list)
}

// maxRequest bounds a body, in bytes.
const maxRequest = 16 << 20

func read(w http.ResponseWriter, r *http.Request) (document, bool) {
	var d document
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&d); err != nil {
		refuse(w, http.StatusBadRequest, "invalid request body: "+err.Error())
		return d, false
	}
	if err := d.Spec.validate(); err != nil {
		refuse(w, http.StatusBadRequest, "validation failed: "+err.Error())
		return d, false
	}
	return d, true
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	d, ok := read(w, r)
	if !ok {
		return
	}
	labels := d.Metadata.Labels
	if labels == nil {
		labels = d.Labels
	}
	s.mu.Lock()
	made := s.add(d.Metadata.Name, labels, d.Spec).document()
	s.mu.Unlock()
	s.changed()
	answer(w, http.StatusCreated, made)
}

// at is the configuration of a request, nil after it was answered that there is none.
// The caller holds the mutex.
func (s *Service) at(w http.ResponseWriter, r *http.Request) *Configuration {
	for _, c := range s.configurations {
		if c.UID == r.PathValue("uid") {
			return c
		}
	}
	refuse(w, http.StatusNotFound, "BootConfiguration not found: resource not found")
	return nil
}

func (s *Service) one(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.at(w, r); c != nil {
		answer(w, http.StatusOK, c.document())
	}
}

// update replaces the whole of what a configuration says.
func (s *Service) update(w http.ResponseWriter, r *http.Request) {
	d, ok := read(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	c := s.at(w, r)
	if c == nil {
		s.mu.Unlock()
		return
	}
	if d.Metadata.Name != "" {
		c.Name = d.Metadata.Name
	}
	c.Spec = d.Spec
	made := c.document()
	s.mu.Unlock()
	s.changed()
	answer(w, http.StatusOK, made)
}

func (s *Service) remove(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.at(w, r)
	if c == nil {
		s.mu.Unlock()
		return
	}
	s.configurations = slices.DeleteFunc(s.configurations, func(other *Configuration) bool { return other == c })
	s.mu.Unlock()
	s.changed()
	answer(w, http.StatusOK, map[string]string{"message": "BootConfiguration deleted successfully", "uid": c.UID})
}

func (s *Service) bootScript(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for _, name := range []string{"host", "mac", "nid"} {
		if q.Get(name) != "" {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write([]byte(s.Script(q.Get(name)))) // the client is gone if this fails
			return
		}
	}
	answer(w, http.StatusBadRequest, map[string]any{"title": "Missing node identifier", "status": http.StatusBadRequest})
}

var (
	xname   = regexp.MustCompile(`^x\d+c\d+s\d+b\d+n\d+$`)
	pattern = regexp.MustCompile(`^x(\d+c(\d+s(\d+b(\d+n)?)?)?)?\*$`)
)

// maxPriority is the highest that there is.
const maxPriority = 100

func (s Spec) validate() error {
	for _, host := range s.Hosts {
		if host != "" && host != "default" && !xname.MatchString(host) && !pattern.MatchString(host) {
			return errors.New("invalid host XName format: " + host)
		}
	}
	for _, mac := range s.MACs {
		if _, err := net.ParseMAC(mac); mac != "" && err != nil {
			return errors.New("invalid MAC address format: " + mac)
		}
	}
	switch {
	case s.Kernel == "":
		return errors.New("kernel field is required")
	case !file(s.Kernel):
		return errors.New("invalid kernel URL or path: " + s.Kernel)
	case s.Initrd != "" && !file(s.Initrd):
		return errors.New("invalid initrd URL or path: " + s.Initrd)
	case s.Priority < 0 || s.Priority > maxPriority:
		return errors.New("priority must be between 0 and 100")
	}
	return nil
}

// file reports whether boot-service takes the address of a file.
func file(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") || strings.HasPrefix(text, "/") && len(text) > 1
}
