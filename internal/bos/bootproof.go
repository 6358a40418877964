package bos

import (
	"cmp"
	"fmt"
	"strings"
)

// ProofKind is what besides the report of a node is taken as the proof that it has
// booted.
type ProofKind string

// The kinds.
const (
	// ProofReport is none but its report.
	ProofReport ProofKind = "report"
	// ProofPhoneHome is an HTTP request of the node when it is up, as cloud-init sends
	// it. It says that the node booted, and not what.
	ProofPhoneHome ProofKind = "phone_home"
)

// BootProof is one of a site or of a template. Zero is ProofReport. A report is taken
// beside each of them.
type BootProof struct{ Kind ProofKind }

// ProofWord is the kernel parameter by which a template has a proof of its own, in
// place of the site's: bos_boot_proof=phone_home.
const ProofWord = "bos_boot_proof"

// ParseBootProof reads a proof as settings and templates have it.
func ParseBootProof(text string) (BootProof, error) {
	switch kind := ProofKind(text); kind {
	case ProofReport, ProofPhoneHome:
		return BootProof{kind}, nil
	default:
		return BootProof{}, fmt.Errorf("%.40q is no proof of a boot; use %s or %s", text, ProofReport, ProofPhoneHome)
	}
}

// String is the proof as it is written.
func (p BootProof) String() string { return string(cmp.Or(p.Kind, ProofReport)) }

// proofIn is the proof that kernel parameters name, the last of them; ok is false
// where they name none.
func proofIn(parameters string) (proof BootProof, ok bool, err error) {
	for word := range strings.FieldsSeq(parameters) {
		text, ours := strings.CutPrefix(word, ProofWord+"=")
		if !ours {
			continue
		}
		if proof, err = ParseBootProof(text); err != nil {
			return BootProof{}, false, err
		}
		ok = true
	}
	return proof, ok, nil
}

// BootProof is what proves a boot of what the record shall run: that of its kernel
// parameters, else the site's.
func (r *Record) BootProof(site BootProof) BootProof {
	if own, ok, err := proofIn(r.DesiredState.BootArtifacts.KernelParameters); ok && err == nil {
		return own
	}
	return site
}
