package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What enabled may be.
var (
	yes, no, some = given(true), given(false), field[bool]{is: unknown}
	none          = field[bool]{}
)

func kernel(path string) managedState { return managedState{kernel: given(path)} }

// there is a component whose desired state has kernel k.
func there(enabled field[bool], session string) *observedComponent {
	return &observedComponent{managed: managed{
		enabled: enabled, retryPolicy: given(int64(3)),
		desired: managedState{kernel: given("k"), kernelParameters: given("p"), initrd: given("i"), configuration: given("")},
		staged:  managedState{kernel: given(""), kernelParameters: given(""), initrd: given(""), configuration: given(""), session: given("")},
	}, session: session}
}

func TestWhatAConfigurationMakesOfAComponent(t *testing.T) {
	t.Parallel()
	recorded := func(enabled field[bool]) askedBefore { return askedBefore{enabled: enabled} }
	imported := askedBefore{adopted: true}
	for name, c := range map[string]struct {
		config   managed
		asked    askedBefore
		observed *observedComponent
		// sends is what becomes of enabled: true, false, or nothing.
		sends   field[bool]
		desired bool
		plans   field[bool]
		changes bool
		warns   string
	}{
		"adopting with true arms":                          {config: managed{enabled: yes}, sends: yes, plans: yes, changes: true, warns: "BOS will act on nodes"},
		"adopting with false sends it":                     {config: managed{enabled: no}, sends: no, plans: no, changes: true},
		"adopting with none sends nothing":                 {plans: some},
		"adopting with an unknown one says so":             {config: managed{enabled: some}, plans: some, changes: true, warns: "BOS may act on"},
		"adopting with false and a desired state":          {config: managed{enabled: no, desired: kernel("k")}, sends: no, desired: true, plans: no, changes: true},
		"true as before asks nothing":                      {config: managed{enabled: yes}, asked: recorded(yes), observed: there(yes, ""), plans: yes},
		"true as before, done and taken by a session":      {config: managed{enabled: yes}, asked: recorded(yes), observed: there(yes, "s"), plans: yes},
		"true with another desired state arms":             {config: managed{enabled: yes, desired: kernel("new")}, asked: recorded(yes), observed: there(yes, ""), sends: yes, desired: true, plans: yes, changes: true, warns: "BOS will act on nodes"},
		"true over a session's desired state names it":     {config: managed{enabled: yes, desired: kernel("new")}, asked: recorded(yes), observed: there(yes, "s"), sends: yes, desired: true, plans: yes, changes: true, warns: "BOS will act on nodes|were set by a session"},
		"true instead of false arms":                       {config: managed{enabled: yes}, asked: recorded(no), observed: there(no, ""), sends: yes, plans: yes, changes: true, warns: "BOS will act on nodes"},
		"true for the first time arms":                     {config: managed{enabled: yes}, asked: recorded(none), observed: there(no, ""), sends: yes, plans: yes, changes: true, warns: "BOS will act on nodes"},
		"true where a session enabled it already, anew":    {config: managed{enabled: yes}, asked: recorded(none), observed: there(yes, "s"), sends: yes, plans: yes, changes: true, warns: "BOS will act on nodes"},
		"false instead of true is sent":                    {config: managed{enabled: no}, asked: recorded(yes), observed: there(yes, ""), sends: no, plans: no, changes: true},
		"false instead of true, with another kernel there": {config: managed{enabled: no, desired: kernel("new")}, asked: recorded(yes), observed: there(yes, "s"), sends: no, desired: true, plans: no, changes: true, warns: "were set by a session"},
		"false instead of true in mid-session is sent":     {config: managed{enabled: no}, asked: recorded(yes), observed: there(yes, "s"), sends: no, plans: no, changes: true},
		"false for the first time in mid-session is sent":  {config: managed{enabled: no}, asked: recorded(none), observed: there(yes, "s"), sends: no, plans: no, changes: true},
		"false for the first time is sent":                 {config: managed{enabled: no}, asked: recorded(none), observed: there(no, ""), sends: no, plans: no, changes: true},
		"false as before":                                  {config: managed{enabled: no}, asked: recorded(no), observed: there(no, ""), plans: no},
		"false as before leaves a session alone":           {config: managed{enabled: no}, asked: recorded(no), observed: there(no, "s"), plans: no},
		"false as before, read before it was recorded":     {config: managed{enabled: no}, asked: recorded(no), observed: there(yes, "s"), plans: yes},
		"false as before, enabled by hand":                 {config: managed{enabled: no}, asked: recorded(no), observed: there(yes, ""), sends: no, plans: no, changes: true},
		"false as before, with a session's desired state":  {config: managed{enabled: no, desired: kernel("old")}, asked: recorded(no), observed: there(no, "s"), sends: no, desired: true, plans: no, changes: true, warns: "were set by a session"},
		"false as before, with a retry policy in mid-way":  {config: managed{enabled: no, retryPolicy: given(int64(9))}, asked: recorded(no), observed: there(no, "s"), plans: no, changes: true},
		"unknown may ask":                                  {config: managed{enabled: some}, asked: recorded(no), observed: there(no, ""), plans: some, changes: true, warns: "BOS may act on"},
		"unknown with another desired state may ask":       {config: managed{enabled: some, desired: kernel("new")}, asked: recorded(no), observed: there(no, ""), desired: true, plans: some, changes: true, warns: "BOS may act on"},
		"no longer managed":                                {asked: recorded(yes), observed: there(yes, ""), plans: yes, changes: true},
		"never managed":                                    {asked: recorded(none), observed: there(yes, "s"), plans: yes},
		"a desired state without enabled arms nothing":     {config: managed{desired: kernel("new")}, asked: recorded(none), observed: there(no, ""), desired: true, plans: no, changes: true},
		"imported with true asks nothing and says so":      {config: managed{enabled: yes, desired: kernel("k")}, asked: imported, observed: there(no, ""), plans: no, warns: "BOS is not asked to act on"},
		"imported with true and a retry policy":            {config: managed{enabled: yes, retryPolicy: given(int64(9))}, asked: imported, observed: there(no, ""), plans: no, changes: true, warns: "BOS is not asked to act on"},
		"imported with true and another desired state":     {config: managed{enabled: yes, desired: kernel("new")}, asked: imported, observed: there(no, ""), sends: yes, desired: true, plans: yes, changes: true, warns: "BOS will act on nodes"},
		"imported with true while BOS acts":                {config: managed{enabled: yes}, asked: imported, observed: there(yes, "s"), plans: yes},
		"imported with false":                              {config: managed{enabled: no}, asked: imported, observed: there(no, ""), plans: no},
		"imported with false in mid-session":               {config: managed{enabled: no}, asked: imported, observed: there(yes, "s"), plans: yes},
		"imported with false, enabled by hand":             {config: managed{enabled: no}, asked: imported, observed: there(yes, ""), sends: no, plans: no, changes: true},
		"once applied, an import is like any other":        {config: managed{enabled: yes}, asked: recorded(yes), observed: there(no, ""), plans: no},
	} {
		t.Run(name, func(t *testing.T) {
			d := decideComponent("x0c0s0b0n0", c.config, c.asked, c.observed)
			sends := none
			if d.patch.Enabled != nil {
				sends = given(*d.patch.Enabled)
			}
			if sends != c.sends || d.plan.enabled != c.plans {
				t.Errorf("enabled is sent as %+v and planned as %+v", sends, d.plan.enabled)
			}
			if (d.patch.DesiredState != nil) != c.desired || d.changes != c.changes {
				t.Errorf("the desired state is sent: %t, something changes: %t", d.patch.DesiredState != nil, d.changes)
			}
			var expected []string
			if c.warns != "" {
				expected = strings.Split(c.warns, "|")
			}
			if !slices.EqualFunc(d.warnings, expected, func(w planWarning, text string) bool {
				return strings.Contains(w.summary, text) && strings.HasPrefix(w.detail, "x0c0s0b0n0: ")
			}) {
				t.Errorf("it warns of %+v", d.warnings)
			}
		})
	}
}

// Whatever is configured, was asked before and is there: nobody's false arms a
// node, nobody's true is lost where it is asked for anew, and what an unknown
// value may do is said.
func TestNoFalseEverArmsANodeAndNothingUnknownIsSilent(t *testing.T) {
	t.Parallel()
	values := []field[bool]{none, no, yes, some}
	states := []managedState{{}, kernel("k"), kernel("new"), {kernel: unknownText}}
	for _, enabled := range values {
		for _, desired := range states {
			for _, asked := range []askedBefore{{}, {enabled: no}, {enabled: yes}, {adopted: true}} {
				for _, observed := range []*observedComponent{nil, there(no, ""), there(yes, ""), there(no, "s"), there(yes, "s")} {
					d := decideComponent("x", managed{enabled: enabled, desired: desired}, asked, observed)
					sends := d.patch.Enabled
					if sends != nil && !enabled.has(*sends) {
						t.Fatalf("%+v %+v %+v: enabled is %+v and %t is sent", desired, asked, observed, enabled, *sends)
					}
					if enabled.has(false) && d.patch.DesiredState != nil && sends == nil {
						t.Fatalf("%+v %+v %+v: BOS may act on a desired state though enabled is false", desired, asked, observed)
					}
					loud := len(d.warnings) > 0
					if (sends != nil && *sends || enabled.is == unknown) && !loud {
						t.Fatalf("%+v %+v %+v %+v: nothing is said", enabled, desired, asked, observed)
					}
					if !asked.adopted && asked.enabled != enabled && enabled.is == known && sends == nil {
						t.Fatalf("%+v %+v %+v: a change to %+v is lost", desired, asked, observed, enabled)
					}
				}
			}
		}
	}
}

func TestAPatchHoldsWhatIsConfiguredAndNothingElse(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	number := 9
	for name, c := range map[string]struct {
		config managed
		want   bos.ComponentPatch
	}{
		"nothing":            {},
		"what is so already": {config: managed{desired: kernel("k"), retryPolicy: given(int64(3)), staged: managedState{session: given("")}}},
		"one of several": {
			managed{desired: managedState{kernel: given("k"), initrd: given("new")}},
			bos.ComponentPatch{DesiredState: &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: text("k"), Initrd: text("new")}}},
		},
		"an empty kernel": {
			managed{desired: kernel("")},
			bos.ComponentPatch{DesiredState: &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: text("")}}},
		},
		"a configuration alone": {
			managed{desired: managedState{configuration: given("cfs")}},
			bos.ComponentPatch{DesiredState: &bos.DesiredPatch{Configuration: text("cfs")}},
		},
		"a staged state": {
			managed{staged: managedState{kernel: given("k"), session: given("s")}},
			bos.ComponentPatch{StagedState: &bos.StagedPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: text("k")}, Session: text("s")}},
		},
		"a retry policy": {managed{retryPolicy: given(int64(9))}, bos.ComponentPatch{RetryPolicy: &number}},
	} {
		d := decideComponent("x", c.config, askedBefore{}, there(no, ""))
		if diff := cmp.Diff(c.want, d.patch); diff != "" {
			t.Errorf("%s (- wanted, + sent):\n%s", name, diff)
		}
	}
}

func TestADesiredStateOfANodeThatBOSActsOnIsSaidToBeActedOn(t *testing.T) {
	t.Parallel()
	d := decideComponent("x0c0s0b0n0", managed{desired: kernel("new")}, askedBefore{}, there(yes, ""))
	if d.patch.Enabled != nil || len(d.warnings) != 1 || d.warnings[0].summary != "BOS may act on nodes" || !strings.Contains(d.warnings[0].detail, "kernel new") {
		t.Errorf("it sends %v and warns of %+v", d.patch.Enabled, d.warnings)
	}
}
