package bos

import "testing"

func TestOnlyWhatIsDesiredCountsAsPrepared(t *testing.T) {
	a := BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}
	for name, prepared := range map[string]BootArtifacts{
		"another kernel": {"K", "p", "i"}, "another parameter": {"k", "P", "i"}, "another initrd": {"k", "p", "I"},
		"the same texts elsewhere": {"kp", "", "i"},
	} {
		r := Record{Component: Component{DesiredState: DesiredState{BootArtifacts: a}}, Work: Work{Prepared: Prepared{Boot: PreparedBoot(prepared)}}}
		if r.BootPrepared() {
			t.Errorf("%s counts as prepared", name)
		}
		r.DesiredState.BootArtifacts = prepared
		if !r.BootPrepared() {
			t.Errorf("%s does not count once it is desired", name)
		}
	}
	r := Record{}
	if r.ConfigurationPrepared() || r.BootPrepared() {
		t.Error("what is not known counts as prepared")
	}
	if r.Work.Prepared.Configuration = PreparedConfiguration(""); !r.ConfigurationPrepared() {
		t.Error("that no configuration is wanted is not known to be prepared")
	}
}
