package config

import (
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// How much nodes have to prove who they are.
const (
	NodeTokensNone     = "none"
	NodeTokensOptional = "optional"
	NodeTokensRequired = "required"
)

// Report says how nodes tell what they have booted.
type Report struct {
	// Listen is an address that takes reports and nothing else, for the network of the
	// nodes. boot_parameters.builtin.listen takes them in any case.
	Listen string `yaml:"listen"`
	// URL is this service as nodes reach it, such as http://10.1.1.2:8771, for the word
	// bos_api= of boot scripts; empty is where they ask for these.
	URL string `yaml:"url"`
	// NodeTokens is what becomes of the token that each node has in its boot script:
	// none is handed out (which is so if it is not set), it is looked at where a node
	// sends it (optional), or nothing is taken without it (required). This is for the
	// addresses of the nodes, not for that of the API.
	NodeTokens string `yaml:"node_tokens"`
	// AnySource takes reports without a token from any address, also where the
	// inventory knows those of a node.
	AnySource bool `yaml:"any_source"`
	// BootProof is what besides a report proves that a node has booted what it was
	// powered on for: phone_home, hsm_ready or a port such as tcp:22; report is none.
	// Kernel parameters of a template may have another one (bos_boot_proof=).
	BootProof string `yaml:"boot_proof"`
}

// HandsOutTokens reports whether nodes have tokens of their own.
func (r Report) HandsOutTokens() bool {
	return r.NodeTokens == NodeTokensOptional || r.NodeTokens == NodeTokensRequired
}

// Proof is BootProof as it is meant.
func (r Report) Proof() (bos.BootProof, error) {
	if r.BootProof == "" {
		return bos.BootProof{Kind: bos.ProofReport}, nil
	}
	return bos.ParseBootProof(r.BootProof)
}

func (c Config) report() error {
	r := c.Report
	switch r.NodeTokens {
	case "", NodeTokensNone:
	case NodeTokensOptional, NodeTokensRequired:
		if c.BootParameters.Builtin == nil {
			return errors.New("report.node_tokens needs boot_parameters.builtin: BSS hands one script to all nodes of a write, which has no room for what only one of them may know")
		}
	default:
		return fmt.Errorf("report.node_tokens %q is none of %s, %s and %s", r.NodeTokens, NodeTokensNone, NodeTokensOptional, NodeTokensRequired)
	}
	proof, err := r.Proof()
	switch {
	case err != nil:
		return fmt.Errorf("report.boot_proof: %w", err)
	case proof.Kind == bos.ProofReady && c.Inventory.HSM == nil:
		return errors.New("report.boot_proof hsm_ready needs inventory.hsm, which has the states of nodes")
	case proof.Kind == bos.ProofTCP && c.Inventory.HSM == nil && c.Inventory.File == "":
		return fmt.Errorf("report.boot_proof %s needs inventory.hsm or inventory.file, which know the addresses of nodes", proof)
	}
	if r.URL == "" {
		return nil
	}
	return validURL("report.url", r.URL)
}
