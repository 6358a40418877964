package bos

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// Prepared is what the upstreams hold for the next boot of a component, told
// apart by content: a power-on may go out where this equals the desired state,
// whatever happened to either meanwhile. Empty is not known.
type Prepared struct {
	// Boot identifies the boot parameters that the boot service has.
	Boot string `json:"boot,omitempty"`
	// Configuration identifies the configuration that the configuration
	// service has, with a cleared state.
	Configuration string `json:"configuration,omitempty"`
}

// PreparedBoot identifies boot artifacts: equal ones alike, others differently.
func PreparedBoot(a BootArtifacts) string { return identity(a.Kernel, a.KernelParameters, a.Initrd) }

// PreparedConfiguration identifies a configuration; none is one as well.
func PreparedConfiguration(name string) string { return identity(name) }

// configurationRefused is that the configuration service did not take that nothing is
// wanted of it, as it may have nothing for the node: good for a power-on, and no
// acknowledgement.
const configurationRefused = "refused"

// RefusedConfiguration is what stands for a configuration that was refused where none is
// wanted.
func RefusedConfiguration() string { return configurationRefused }

// NothingToConfigure reports whether the configuration service acknowledged, before the
// power-on under way, that it is to do nothing with the node.
func (r *Record) NothingToConfigure() bool {
	return r.DesiredState.Configuration == "" && r.Work.Attempt.Prepared.Configuration == PreparedConfiguration("")
}

// BootPrepared reports whether the boot service has the boot parameters that the
// component shall boot.
func (r *Record) BootPrepared() bool {
	return r.Work.Prepared.Boot != "" && r.Work.Prepared.Boot == PreparedBoot(r.DesiredState.BootArtifacts)
}

// ConfigurationPrepared reports whether the configuration service has the desired
// configuration, with a cleared state.
func (r *Record) ConfigurationPrepared() bool {
	switch r.Work.Prepared.Configuration {
	case "":
		return false
	case configurationRefused:
		return r.DesiredState.Configuration == ""
	default:
		return r.Work.Prepared.Configuration == PreparedConfiguration(r.DesiredState.Configuration)
	}
}

// identity is short, so that a record with it is: it stands for texts that are
// kept elsewhere.
func identity(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
