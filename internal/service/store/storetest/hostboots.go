package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// HostBootStore is a store that also keeps what hosts boot.
type HostBootStore interface {
	bos.Store
	bos.HostBoots
}

// RunHostBoots runs the suite of bos.HostBoots; open makes an empty store.
func RunHostBoots(t *testing.T, open func(t *testing.T) HostBootStore) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, HostBootStore){
		"what hosts boot is found by host, the newest write":      hostsBoot,
		"the token of a write is known as soon as it returns":     hostTokens,
		"a change gives each set of artifacts a token of its own": hostsChange,
		"a change that fails for one host changes none":           hostsChangeFails,
		"what was taken away is gone and others stay":             hostsDelete,
		"ten thousand hosts are one write":                        manyHosts,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var (
	bootOld = bos.BootArtifacts{Kernel: "s3://b/k1", KernelParameters: "quiet", Initrd: "s3://b/i1"}
	bootNew = bos.BootArtifacts{Kernel: "s3://b/k2", KernelParameters: "a=\"<&>\"", Initrd: "s3://b/i2"}
)

func boots(t *testing.T, s HostBootStore, hosts ...string) []bos.HostBoot {
	t.Helper()
	list, err := s.HostBoots(t.Context(), hosts)
	must(t, err)
	return list
}

func hostsBoot(t *testing.T, s HostBootStore) {
	must(t, s.PutHostBoots(t.Context(), []string{"b", "a", "a"}, bootOld, "t1"))
	must(t, s.PutHostBoots(t.Context(), []string{"b", "c"}, bootNew, "t2"))
	want := []bos.HostBoot{{Host: "a", Artifacts: bootOld, Token: "t1"}, {Host: "b", Artifacts: bootNew, Token: "t2"}, {Host: "c", Artifacts: bootNew, Token: "t2"}}
	if got := boots(t, s); !slices.Equal(got, want) {
		t.Errorf("all hosts: %+v, want %+v", got, want)
	}
	if got := boots(t, s, "c", "unknown", "a"); !slices.Equal(got, []bos.HostBoot{want[0], want[2]}) {
		t.Errorf("two hosts: %+v", got)
	}
	if got, err := s.HostBoots(t.Context(), []string{}); err != nil || len(got) != 0 {
		t.Errorf("no hosts: %+v, %v", got, err)
	}
}

func hostTokens(t *testing.T, s HostBootStore) {
	if _, known, err := s.Token(t.Context(), "t"); known || err != nil {
		t.Fatalf("the token is known before its write: %t, %v", known, err)
	}
	must(t, s.PutHostBoots(t.Context(), []string{"a"}, bootOld, "t"))
	if a, known, err := s.Token(t.Context(), "t"); !known || a != bootOld || err != nil {
		t.Errorf("the token stands for %+v, %t, %v", a, known, err)
	}
	must(t, s.PutHostBoots(t.Context(), []string{"a"}, bootNew, "t"))
	if a, _, err := s.Token(t.Context(), "t"); a != bootNew || err != nil {
		t.Errorf("the token given again stands for %+v, %v", a, err)
	}
}

// counter makes tokens n1, n2, ...
func counter() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("n%d", n) }
}

func hostsChange(t *testing.T, s HostBootStore) {
	must(t, s.PutHostBoots(t.Context(), []string{"a", "b"}, bootOld, "t1"))
	must(t, s.PutHostBoots(t.Context(), []string{"c"}, bootNew, "t2"))
	must(t, s.MutateHostBoots(t.Context(), []string{"c", "a", "b"}, counter(), func(a *bos.BootArtifacts) error {
		a.KernelParameters = "debug"
		return nil
	}))
	old, fresh := bootOld, bootNew
	old.KernelParameters, fresh.KernelParameters = "debug", "debug"
	want := []bos.HostBoot{{Host: "a", Artifacts: old, Token: "n2"}, {Host: "b", Artifacts: old, Token: "n2"}, {Host: "c", Artifacts: fresh, Token: "n1"}}
	if got := boots(t, s); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if a, known, err := s.Token(t.Context(), "n1"); a != fresh || !known || err != nil {
		t.Errorf("the new token stands for %+v, %t, %v", a, known, err)
	}
}

func hostsChangeFails(t *testing.T, s HostBootStore) {
	must(t, s.PutHostBoots(t.Context(), []string{"a"}, bootOld, "t1"))
	change := func(a *bos.BootArtifacts) error { a.Kernel = "changed"; return nil }
	if err := s.MutateHostBoots(t.Context(), []string{"a", "unknown"}, counter(), change); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("error %v, want not found", err)
	}
	stop := errors.New("stop")
	if err := s.MutateHostBoots(t.Context(), []string{"a"}, counter(), func(*bos.BootArtifacts) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v, want the change's own", err)
	}
	if got := boots(t, s); !slices.Equal(got, []bos.HostBoot{{Host: "a", Artifacts: bootOld, Token: "t1"}}) {
		t.Errorf("after two failed changes: %+v", got)
	}
}

func hostsDelete(t *testing.T, s HostBootStore) {
	must(t, s.PutHostBoots(t.Context(), []string{"a", "b"}, bootOld, "t1"))
	must(t, s.DeleteHostBoots(t.Context(), []string{"a", "unknown"}))
	if got := boots(t, s); len(got) != 1 || got[0].Host != "b" {
		t.Errorf("%+v is left, want b", got)
	}
	if _, known, err := s.Token(t.Context(), "t1"); !known || err != nil {
		t.Errorf("the token of a host that still runs it: %t, %v", known, err)
	}
}

func manyHosts(t *testing.T, s HostBootStore) {
	hosts := make([]string, 10_000)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("n%05d", i)
	}
	must(t, s.PutHostBoots(t.Context(), hosts, bootOld, "t"))
	got := boots(t, s)
	if len(got) != len(hosts) || got[9999] != (bos.HostBoot{Host: "n09999", Artifacts: bootOld, Token: "t"}) {
		t.Errorf("%d hosts boot, the last %+v", len(got), got[len(got)-1])
	}
}
