package bos_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestProofsOfABootAreReadAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"report", "phone_home", "hsm_ready", "tcp:22", "tcp:65535"} {
		if p, err := bos.ParseBootProof(text); err != nil || p.String() != text {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "tcp", "tcp:", "tcp:0", "tcp:65536", "tcp:-1", "tcp:022", "tcp:ssh", "report:22", "udp:22", "Report", "hsm_ready ", "tcp:22:1"} {
		if p, err := bos.ParseBootProof(text); err == nil {
			t.Errorf("%q is taken as %v", text, p)
		}
	}
	if got := (bos.BootProof{}).String(); got != "report" {
		t.Errorf("none is %q", got)
	}
}

func TestATemplateMayHaveAProofOfItsOwn(t *testing.T) {
	site := bos.BootProof{Kind: bos.ProofPhoneHome}
	for parameters, want := range map[string]string{
		"quiet":                       "phone_home",
		"quiet bos_boot_proof=tcp:22": "tcp:22",
		"bos_boot_proof=report bos_boot_proof=tcp:1 quiet": "tcp:1",
		"bos_boot_proof=report":                            "report",
		"bos_boot_proof=nonsense":                          "phone_home",
		"no_bos_boot_proof=report":                         "phone_home",
	} {
		r := bos.Record{}
		r.DesiredState.BootArtifacts.KernelParameters = parameters
		if got := r.BootProof(site).String(); got != want {
			t.Errorf("%q: %s, want %s", parameters, got, want)
		}
	}
	for parameters, ok := range map[string]bool{"bos_boot_proof=tcp:22": true, "quiet": true, "bos_boot_proof=tcp": false, "bos_boot_proof=": false} {
		if err := bos.CheckBootLine(parameters); (err == nil) != ok {
			t.Errorf("%q: %v", parameters, err)
		}
	}
}
