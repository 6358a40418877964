package bss_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bss"
)

type stored struct {
	Hosts  []string `json:"hosts,omitempty"`
	MACs   []string `json:"macs,omitempty"`
	Kernel string   `json:"kernel"`
	Initrd string   `json:"initrd"`
	Params string   `json:"params"`
}

// service is a BSS with PostgreSQL, to which a host and a MAC address are two nodes,
// or one that knows by HSM whose an address is.
type service struct {
	owner map[string]string // of MAC addresses; nil is PostgreSQL
	deaf  bool              // it does not store what is written by MAC address

	mu    sync.Mutex
	at    map[string]stored
	puts  []stored
	reads int
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		s.reads++
		mac := r.URL.Query().Get("mac")
		if owner, known := s.owner[mac]; known {
			mac = owner
		}
		found, ok := s.at[mac]
		if !ok {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"title":"Not Found","detail":"Cannot find boot parameters for MACs"}`))
			return
		}
		_ = json.NewEncoder(w).Encode([]stored{found})
		return
	}
	var p stored
	if json.NewDecoder(r.Body).Decode(&p) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.puts = append(s.puts, p)
	if s.at == nil {
		s.at = make(map[string]stored)
	}
	names := p.Hosts
	if len(names) == 0 && !s.deaf { // where there are hosts, it looks at nothing else
		names = p.MACs
	}
	for _, name := range names {
		s.at[name] = p
	}
	w.Header().Set("Bss-Referral-Token", "its-own")
}

type nodeNames []bos.NodeName

func (n nodeNames) NodeNames(context.Context) ([]bos.NodeName, error) {
	if n == nil {
		return nil, errors.New("HSM is away")
	}
	return n, nil
}

var twoNodes = nodeNames{
	{ID: "x1c0s0b0n0", MACs: []string{"AA:00:00:00:00:01", "aa:00:00:00:00:02"}},
	{ID: "x1c0s1b0n0", MACs: []string{"aa:00:00:00:00:03"}},
	{ID: "x1c0s2b0n0"},
}

// TestANodeThatAsksByMACAddressFindsWhatWasWrittenForItsXname: BSS on PostgreSQL has
// nothing for an address that was not written, and tells nodes no token.
func TestANodeThatAsksByMACAddressFindsWhatWasWrittenForItsXname(t *testing.T) {
	s := &service{}
	c := start(t, 0, s.ServeHTTP).NamedBy(twoNodes)
	for round := range 2 {
		token, err := c.Write(t.Context(), []string{"x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0"}, artifacts)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0", "aa:00:00:00:00:01", "aa:00:00:00:00:02", "aa:00:00:00:00:03"} {
			if got := s.at[name]; got.Kernel != artifacts.Kernel || got.Initrd != artifacts.Initrd || got.Params != artifacts.KernelParameters+" bss_referral_token="+token {
				t.Errorf("round %d: %s boots %+v, and the token is %q", round, name, got, token)
			}
		}
	}
	if len(s.puts) != 5 || s.reads != 3 {
		t.Errorf("%d writes and %d reads: how BSS finds nodes is found out once", len(s.puts), s.reads)
	}
}

// TestABSSThatKnowsWhoseAMACAddressIsGetsOneWrite: as those of CSM do.
func TestABSSThatKnowsWhoseAMACAddressIsGetsOneWrite(t *testing.T) {
	s := &service{owner: map[string]string{"aa:00:00:00:00:01": "x1c0s0b0n0", "aa:00:00:00:00:02": "x1c0s0b0n0"}}
	c := start(t, 0, s.ServeHTTP).NamedBy(twoNodes)
	for range 2 {
		if token, err := c.Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts); err != nil || token != "its-own" {
			t.Fatalf("%q, %v", token, err)
		}
	}
	if len(s.puts) != 2 || s.reads != 1 || slices.ContainsFunc(s.puts, func(p stored) bool { return len(p.MACs) > 0 || p.Params != artifacts.KernelParameters }) {
		t.Errorf("%d reads, wrote %+v", s.reads, s.puts)
	}
}

// TestBootParametersThatAreNotFoundByMACAddressAreNoSuccess: the node would boot
// something else, or nothing.
func TestBootParametersThatAreNotFoundByMACAddressAreNoSuccess(t *testing.T) {
	for name, tc := range map[string]struct {
		client  *bss.Client
		outcome bos.CallOutcome
		cause   bos.Cause
		says    string
	}{
		"it does not store them": {start(t, 0, (&service{deaf: true}).ServeHTTP).NamedBy(twoNodes), bos.CallRefused, bos.CauseBootParameters, "aa:00:00:00:00:02"},
		"HSM does not say":       {start(t, 0, (&service{}).ServeHTTP).NamedBy(nodeNames(nil)), bos.CallNotAttempted, bos.CauseUpstreamOutage, "HSM is away"},
	} {
		_, err := tc.client.Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts)
		var failed *bos.CallError
		if !errors.As(err, &failed) || failed.Outcome != tc.outcome || failed.Cause != tc.cause || !strings.Contains(failed.Detail, tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	nameless := start(t, 0, (&service{}).ServeHTTP).NamedBy(twoNodes)
	if token, err := nameless.Write(t.Context(), []string{"x1c0s2b0n0"}, artifacts); err != nil || token != "its-own" {
		t.Errorf("a node of which no address is known: %q, %v", token, err)
	}
}

// TestWordsThatIPXETakesForItsOwnAreRefusedBeforeTheyReachBSS: its scripts have them as
// they were written.
func TestWordsThatIPXETakesForItsOwnAreRefusedBeforeTheyReachBSS(t *testing.T) {
	s := &service{}
	c := start(t, 0, s.ServeHTTP)
	for _, words := range []string{"quiet || chain http://x", "a && b", "a ; b", "a #b"} {
		_, err := c.Write(t.Context(), []string{"x1c0s0b0n0"}, bos.BootArtifacts{Kernel: "k", KernelParameters: words})
		var failed *bos.CallError
		if !errors.As(err, &failed) || failed.Outcome != bos.CallRefused || failed.Cause != bos.CauseBootParameters {
			t.Errorf("%q: %v", words, err)
		}
	}
	if len(s.puts) != 0 {
		t.Errorf("wrote %+v", s.puts)
	}
}
