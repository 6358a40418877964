package bootservice_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bootservice"
	emulated "github.com/bootorch/terraform-provider-bos/internal/hw/emulator/bootservice"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

var artifacts = bos.BootArtifacts{Kernel: "s3://boot-images/1/kernel", Initrd: "s3://boot-images/1/initrd", KernelParameters: "console=ttyS0,115200 quiet"}

// plain links to objects that everybody may read.
func plain(_ context.Context, path string) (string, error) {
	return "http://s3.example/" + strings.TrimPrefix(path, "s3://"), nil
}

// site is a boot-service with nodes, and what was asked of it.
type site struct {
	*emulated.Service
	nodes  []emulated.Node
	server *httptest.Server
	now    time.Time

	mu    sync.Mutex
	asked []string
	// before is called before each request is answered; it may answer itself.
	before func(w http.ResponseWriter, r *http.Request) bool
}

func id(i int) string { return fmt.Sprintf("x1000c0s%db0n0", i) }

func newSite(t testing.TB, nodes int) *site {
	t.Helper()
	s := &site{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range nodes {
		s.nodes = append(s.nodes, emulated.Node{XName: id(i), NID: int32(i + 1), BootMAC: fmt.Sprintf("02:00:00:00:00:%02X", i)})
	}
	s.Service = emulated.New(emulated.Config{Nodes: func() []emulated.Node { return s.nodes }, Now: func() time.Time { return s.now }})
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		before := s.before
		s.mu.Unlock()
		if before != nil && before(w, r) {
			return
		}
		s.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(s.server.Close)
	return s
}

func (s *site) client() *bootservice.Client {
	return bootservice.New(bootservice.Config{Upstream: transport.Upstream{URL: s.server.URL + "/", Timeout: func() time.Duration { return 5 * time.Second }}, Link: plain})
}

// own are the configurations that are not somebody else's.
func (s *site) own() []emulated.Configuration {
	return slices.DeleteFunc(s.Configurations(), func(c emulated.Configuration) bool { return c.Labels["bos-configuration"] == "" })
}

func (s *site) wantBoots(t testing.TB, node int, token string) {
	t.Helper()
	spec, ok := s.Boots(s.nodes[node])
	if !ok || !strings.Contains(spec.Params, "bss_referral_token="+token) {
		t.Errorf("%s boots %+v, want token %s", s.nodes[node].XName, spec, token)
	}
	if script := s.Script(strings.ToLower(s.nodes[node].BootMAC)); !strings.Contains(script, "bss_referral_token="+token) {
		t.Errorf("the script of %s is\n%s", s.nodes[node].XName, script)
	}
}

func callError(t testing.TB, err error, outcome bos.CallOutcome, words ...string) {
	t.Helper()
	var call *bos.CallError
	if !errors.As(err, &call) || call.Outcome != outcome {
		t.Fatalf("%T %v, want outcome %d", err, err, outcome)
	}
	for _, word := range words {
		if !strings.Contains(call.Detail, word) {
			t.Errorf("%q lacks %q", call.Detail, word)
		}
	}
}

func TestAWriteIsOneConfigurationWithATokenThatNodesFindByTheirMACAddress(t *testing.T) {
	s := newSite(t, 3)
	token, err := s.client().Write(t.Context(), []string{id(0), id(1)}, artifacts)
	if err != nil || token == "" {
		t.Fatalf("token %q, %v", token, err)
	}
	all := s.Configurations()
	if len(all) != 1 || all[0].Spec.Priority != 100 || !strings.HasPrefix(all[0].Name, "bos-") {
		t.Fatalf("stored %+v", all)
	}
	spec := all[0].Spec
	if spec.Kernel != "http://s3.example/boot-images/1/kernel" || spec.Initrd != "http://s3.example/boot-images/1/initrd" ||
		spec.Params != "bss_referral_token="+token+" initrd=initrd console=ttyS0,115200 quiet" {
		t.Errorf("stored %+v", spec)
	}
	s.wantBoots(t, 0, token)
	s.wantBoots(t, 1, token)
	if spec, ok := s.Boots(s.nodes[2]); ok {
		t.Errorf("a node that nothing was written for boots %+v", spec)
	}
}

func TestNodesMoveFromOneConfigurationToTheNextAndAnEmptyOneGoes(t *testing.T) {
	s := newSite(t, 3)
	c := s.client()
	first, err := c.Write(t.Context(), []string{id(0), id(1), id(2)}, artifacts)
	if err != nil {
		t.Fatal(err)
	}
	other := artifacts
	other.Kernel = "s3://boot-images/2/kernel"
	second, err := c.Write(t.Context(), []string{id(1)}, other)
	if err != nil || second == first {
		t.Fatalf("token %q, %v", second, err)
	}
	s.wantBoots(t, 0, first)
	s.wantBoots(t, 1, second)
	s.wantBoots(t, 2, first)
	third, err := c.Write(t.Context(), []string{id(0), id(2)}, artifacts)
	if err != nil {
		t.Fatal(err)
	}
	if own := s.own(); len(own) != 2 {
		t.Errorf("%d configurations are left, want 2: %+v", len(own), own)
	}
	s.wantBoots(t, 0, third)
	s.wantBoots(t, 1, second)
}

func TestWhatOthersStoredIsNeverChanged(t *testing.T) {
	s := newSite(t, 2)
	s.Add("site", nil, emulated.Spec{Hosts: []string{id(0), id(1)}, Kernel: "http://site/kernel", Priority: 100})
	s.Add("legacy", nil, emulated.Spec{Kernel: "http://site/any"})
	// Somebody has copied one of ours: the copy is theirs.
	s.Add("bos-copy", map[string]string{"bos-configuration": "bos-original"}, emulated.Spec{Hosts: []string{id(1)}, Kernel: "http://site/copy"})
	theirs := s.Configurations()
	token, err := s.client().Write(t.Context(), []string{id(0)}, artifacts)
	if err != nil {
		t.Fatal(err)
	}
	s.wantBoots(t, 0, token)
	if got := s.Configurations()[:3]; fmt.Sprint(got) != fmt.Sprint(theirs) {
		t.Errorf("they are %+v, were %+v", got, theirs)
	}
	if spec, _ := s.Boots(s.nodes[1]); spec.Kernel != "http://site/kernel" {
		t.Errorf("the other node boots %+v", spec)
	}
}

func TestANodeThatWouldBootSomethingElseIsRefusedAndTheOthersAreWritten(t *testing.T) {
	s := newSite(t, 5)
	s.nodes[1].Groups = []string{"io"}
	s.Add("io nodes", nil, emulated.Spec{Hosts: []string{id(1)}, MACs: []string{s.nodes[1].BootMAC}, NIDs: []int32{2}, Groups: []string{"io"}, Kernel: "http://site/io"})
	s.nodes[2].BootMAC = ""
	s.nodes[4].Hostname = id(3) // node 4 would boot what is written for 3
	ids := []string{id(0), id(1), id(2), id(3), "x9c0s0b0n0"}
	token, err := s.client().Write(t.Context(), ids, artifacts)
	var refused bos.NodeErrors
	if !errors.As(err, &refused) || token == "" || len(refused) != 4 {
		t.Fatalf("token %q, %v", token, err)
	}
	for node, word := range map[string]string{id(1): `"io nodes"`, id(2): "bootMac", id(3): id(4), "x9c0s0b0n0": "no node"} {
		callError(t, refused[node], bos.CallRefused, word)
	}
	s.wantBoots(t, 0, token)
	if _, ok := s.Boots(s.nodes[4]); ok {
		t.Error("a node boots what was written for another")
	}
}

func TestAWriteOfWhichNoNodeCanHaveAnythingStoresNothing(t *testing.T) {
	s := newSite(t, 1)
	token, err := s.client().Write(t.Context(), []string{"x9c0s0b0n0"}, artifacts)
	var refused bos.NodeErrors
	if !errors.As(err, &refused) || token != "" || len(s.Configurations()) != 0 {
		t.Errorf("token %q, %v, stored %+v", token, err, s.Configurations())
	}
}

func TestWhatCannotArriveInAScriptIsRefusedWithTheWayOut(t *testing.T) {
	s := newSite(t, 1)
	signed := func(_ context.Context, path string) (string, error) {
		return plain(t.Context(), path+"?X-Amz-Date=1&X-Amz-Signature=2")
	}
	at := transport.Upstream{URL: s.server.URL}
	for name, try := range map[string]struct {
		link func(context.Context, string) (string, error)
		a    bos.BootArtifacts
		word string
	}{
		"no links":        {nil, artifacts, "artifacts_url"},
		"links within":    {nil, bos.BootArtifacts{Kernel: "http://a/k", KernelParameters: "root=live:s3://b/rootfs"}, "artifacts_url"},
		"signed links":    {signed, artifacts, "builtin"},
		"quotes":          {plain, bos.BootArtifacts{Kernel: "http://a/k", KernelParameters: `a="b c"`}, "HTML"},
		"line breaks":     {plain, bos.BootArtifacts{Kernel: "http://a/k", KernelParameters: "quiet\nshell"}, "line breaks"},
		"words of iPXE":   {plain, bos.BootArtifacts{Kernel: "http://a/k", KernelParameters: "a || b"}, "iPXE"},
		"a line too long": {plain, bos.BootArtifacts{Kernel: "http://a/k", KernelParameters: strings.Repeat("p", bos.MaxCommandLine-80)}, "bytes"},
	} {
		_, err := bootservice.New(bootservice.Config{Upstream: at, Link: try.link}).Write(t.Context(), []string{id(0)}, try.a)
		t.Log(name)
		callError(t, err, bos.CallRefused, try.word)
	}
	if len(s.asked) != 0 {
		t.Errorf("boot-service was asked %v", s.asked)
	}
}

func TestObjectsWithinParametersAreLinkedTo(t *testing.T) {
	s := newSite(t, 1)
	a := bos.BootArtifacts{Kernel: "http://a/k", KernelParameters: "root=live:s3://b/rootfs,x quiet"}
	if _, err := s.client().Write(t.Context(), []string{id(0)}, a); err != nil {
		t.Fatal(err)
	}
	if spec, _ := s.Boots(s.nodes[0]); !strings.HasSuffix(spec.Params, "root=live:http://s3.example/b/rootfs,x quiet") {
		t.Errorf("it boots %+v", spec)
	}
}

func TestAScriptThatBootServiceStillHandsOutIsWaitedFor(t *testing.T) {
	s := newSite(t, 1)
	s.Add("default", nil, emulated.Spec{Hosts: []string{"*"}, Kernel: "http://site/old"})
	s.Script(strings.ToLower(s.nodes[0].BootMAC)) // the node has booted a moment ago
	c := s.client()
	_, err := c.Write(t.Context(), []string{id(0)}, artifacts)
	callError(t, err, bos.CallBusy, "named default", id(0))
	s.now = s.now.Add(6 * time.Minute)
	token, err := c.Write(t.Context(), []string{id(0)}, artifacts)
	if err != nil {
		t.Fatal(err)
	}
	s.wantBoots(t, 0, token)
	if own := s.own(); len(own) != 1 {
		t.Errorf("%d configurations are left", len(own))
	}
}

// answers makes boot-service answer requests of a method and path itself.
func (s *site) answers(method, prefix string, status int, body string) {
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func TestAFailureIsAboutTheServiceUnlessItSaysNo(t *testing.T) {
	for _, try := range []struct {
		method, path string
		status       int
		body         string
		want         bos.CallOutcome
		word         string
	}{
		{"GET", "/nodes", 404, "404 page not found", bos.CallNotAttempted, "boot_parameters.bootservice.url"},
		{"GET", "/nodes", 401, `{"error":"unauthorized"}`, bos.CallNotAttempted, "role admin"},
		{"GET", "/bootconfigurations", 500, `{"error":"failed to load"}`, bos.CallBusy, "failed to load"},
		{"GET", "/bootconfigurations", 200, `{"boot-parameters":[]}`, bos.CallUnknown, "cannot be used"},
		{"POST", "/bootconfigurations", 400, `{"error":"validation failed: kernel field is required","code":400}`, bos.CallRefused, "validation failed"},
		{"POST", "/bootconfigurations", 403, `{"error":"forbidden"}`, bos.CallNotAttempted, "role admin"},
		{"POST", "/bootconfigurations", 502, `{"error":"gateway"}`, bos.CallUnknown, "502"},
		{"POST", "/bootconfigurations", 201, `{}`, bos.CallUnknown, "metadata.uid"},
		{"POST", "/bootconfigurations", 201, `{"metadata":{"uid":"bootconfiguration-lost"}}`, bos.CallBusy, "does not have it"},
		{"DELETE", "/bootconfigurations", 403, `{"error":"forbidden"}`, bos.CallUnknown, "role admin"},
		{"GET", "/bootscript", 500, `{"title":"Failed"}`, bos.CallBusy, "Failed"},
	} {
		s := newSite(t, 1)
		c := s.client()
		if try.method == "DELETE" {
			if _, err := c.Write(t.Context(), []string{id(0)}, artifacts); err != nil {
				t.Fatal(err)
			}
		}
		s.answers(try.method, try.path, try.status, try.body)
		token, err := c.Write(t.Context(), []string{id(0)}, artifacts)
		t.Logf("%+v", try)
		callError(t, err, try.want, try.word)
		if token != "" {
			t.Errorf("token %q", token)
		}
		s.before = nil
		if token, err = c.Write(t.Context(), []string{id(0)}, artifacts); err != nil {
			t.Fatal(err)
		}
		s.wantBoots(t, 0, token)
		if own := s.own(); len(own) != 1 {
			t.Errorf("%d configurations are left, want 1", len(own))
		}
	}
}

func TestNothingIsStoredForNodesThatMayNotBeActedOnAnyMore(t *testing.T) {
	s := newSite(t, 2)
	ctx := bos.WithPermission(t.Context(), func(string) bool { return false })
	_, err := s.client().Write(ctx, []string{id(0)}, artifacts)
	callError(t, err, bos.CallNotAttempted)
	var call *bos.CallError
	if !errors.As(err, &call) || call.Cause != bos.CauseNone {
		t.Errorf("%+v: boot-service was not asked, so it is not to blame", call)
	}
	if len(s.Configurations()) != 0 {
		t.Errorf("stored %+v", s.Configurations())
	}
}

func TestWritesAtOnceLeaveEachNodeWithWhatWasWrittenForIt(t *testing.T) {
	s := newSite(t, 12)
	c := s.client()
	var all sync.WaitGroup
	tokens := make([]string, 12)
	for i := range 4 {
		all.Go(func() {
			a := artifacts
			a.Kernel = fmt.Sprintf("s3://boot-images/%d/kernel", i)
			token, err := c.Write(t.Context(), []string{id(3 * i), id(3*i + 1), id(3*i + 2)}, a)
			if err != nil {
				t.Error(err)
			}
			for j := range 3 {
				tokens[3*i+j] = token
			}
		})
	}
	all.Wait()
	for i, token := range tokens {
		s.wantBoots(t, i, token)
	}
}

// TestNoNodeBootsWhatWasWrittenForAnother: whatever others have stored and whatever
// nodes boot-service has, a node boots what was written last for it, or was refused,
// and a node that was not written for boots what it did.
func TestNoNodeBootsWhatWasWrittenForAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &site{now: time.Unix(0, 0)}
		macs := rapid.SampledFrom([]string{"", "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:0A", "02:00:00:00:00:0a", "02:00:00:00:00:0b"})
		names := rapid.SampledFrom([]string{"", id(0), id(1), id(2), id(3), "node3", "*"})
		nids := rapid.Int32Range(0, 4)
		groups := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 0, 3)
		for i := range 5 {
			s.nodes = append(s.nodes, emulated.Node{
				XName: id(i % 4), NID: nids.Draw(t, "nid"), BootMAC: macs.Draw(t, "mac"), Hostname: names.Draw(t, "hostname"), Groups: groups.Draw(t, "groups"),
			})
		}
		s.Service = emulated.New(emulated.Config{Nodes: func() []emulated.Node { return s.nodes }})
		for range rapid.IntRange(0, 3).Draw(t, "theirs") {
			s.Add(rapid.SampledFrom([]string{"a", "zz", "bos-0", ""}).Draw(t, "name"), nil, emulated.Spec{
				Hosts: rapid.SliceOfN(names, 0, 3).Draw(t, "hosts"), MACs: rapid.SliceOfN(macs, 0, 2).Draw(t, "macs"),
				NIDs: rapid.SliceOfN(nids, 0, 2).Draw(t, "nids"), Groups: groups.Draw(t, "for"), Kernel: "http://site/k", Priority: rapid.IntRange(0, 100).Draw(t, "priority"),
			})
		}
		theirs := fmt.Sprint(s.Configurations())
		count := len(s.Configurations())
		server := httptest.NewServer(s.Handler())
		defer server.Close()
		c := bootservice.New(bootservice.Config{Upstream: transport.Upstream{URL: server.URL}, Link: plain})
		for range rapid.IntRange(1, 4).Draw(t, "writes") {
			was := make([]emulated.Spec, len(s.nodes))
			for i, n := range s.nodes {
				was[i], _ = s.Boots(n)
			}
			ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{id(0), id(1), id(2), id(3)}), 1, 4, rapid.ID[string]).Draw(t, "ids")
			token, err := c.Write(context.Background(), ids, artifacts)
			var refused bos.NodeErrors
			if err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
			for i, n := range s.nodes {
				boots, _ := s.Boots(n)
				written := slices.Contains(ids, n.XName) && refused[n.XName] == nil
				if written && !strings.Contains(boots.Params, token) {
					t.Fatalf("%+v boots %+v, and %s was written", n, boots, token)
				}
				if !written && (boots.Kernel != was[i].Kernel || boots.Params != was[i].Params) {
					t.Fatalf("%+v boots %+v and did %+v; nothing was written for it", n, boots, was[i])
				}
			}
			if got := fmt.Sprint(s.Configurations()[:count]); got != theirs {
				t.Fatalf("what others stored is %s, was %s", got, theirs)
			}
			for _, own := range s.own() {
				if len(own.Spec.Hosts) == 0 {
					t.Fatalf("%+v is for nobody, which boot-service takes for everybody", own)
				}
			}
		}
	})
}
