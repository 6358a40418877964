package bos

import (
	"fmt"
	"strconv"
	"strings"
	"time"
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
	// ProofReady is the state Ready in the inventory, after another one.
	ProofReady ProofKind = "hsm_ready"
	// ProofTCP is a port that is answered, after it was not.
	ProofTCP ProofKind = "tcp"
)

// BootProof is one of a site or of a template. Zero is ProofReport. A report is taken
// beside each of them.
type BootProof struct {
	Kind ProofKind `json:"kind"`
	// Port is that of ProofTCP.
	Port int `json:"port,omitempty"`
}

// ProofWord is the kernel parameter by which a template has a proof of its own, in
// place of the site's: bos_boot_proof=tcp:22.
const ProofWord = "bos_boot_proof"

// ParseBootProof reads a proof as settings and templates have it.
func ParseBootProof(text string) (BootProof, error) {
	kind, port, hasPort := strings.Cut(text, ":")
	switch proof := (BootProof{Kind: ProofKind(kind)}); {
	case !hasPort && (proof.Kind == ProofReport || proof.Kind == ProofPhoneHome || proof.Kind == ProofReady):
		return proof, nil
	case hasPort && proof.Kind == ProofTCP:
		n, err := strconv.Atoi(port)
		if err == nil && n > 0 && n < 1<<16 && strconv.Itoa(n) == port {
			proof.Port = n
			return proof, nil
		}
	}
	return BootProof{}, fmt.Errorf("%.40q is no proof of a boot; use %s, %s, %s, or a port such as %s:22", text, ProofReport, ProofPhoneHome, ProofReady, ProofTCP)
}

// String is the proof as it is written.
func (p BootProof) String() string {
	switch p.Kind {
	case ProofTCP:
		return string(p.Kind) + ":" + strconv.Itoa(p.Port)
	case "":
		return string(ProofReport)
	default:
		return string(p.Kind)
	}
}

// Asked reports whether somebody has to be asked for the proof: it does not come by
// itself.
func (p BootProof) Asked() bool { return p.Kind == ProofReady || p.Kind == ProofTCP }

// proofIn is the proof that kernel parameters name, the last of them; ok is false
// where they name none.
func proofIn(parameters string) (proof BootProof, ok bool, err error) {
	if !strings.Contains(parameters, ProofWord) {
		return BootProof{}, false, nil
	}
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

// ProofAsk is a question for the proof of a node.
type ProofAsk struct {
	ID    string
	Proof BootProof
}

// ProofSight is what was seen of a proof.
type ProofSight int

// The sights.
const (
	// ProofUnknown: it could not be asked for, which says nothing.
	ProofUnknown ProofSight = iota
	// ProofAbsent: it is not there.
	ProofAbsent
	// ProofPresent: it is there, now or still.
	ProofPresent
)

// ProofReading is the answer to a question for a proof.
type ProofReading struct {
	ID    string
	Proof BootProof
	Sight ProofSight
	// Detail says what was seen, for people.
	Detail string
	// Asked and Answered are when the question was sent and its answer came.
	Asked, Answered time.Time
}
