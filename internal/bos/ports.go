package bos

import (
	"context"
)

// InventorySource reads the inventory (HSM or a file). An error means that it could
// not be read as a whole; there is no half inventory.
type InventorySource interface {
	Inventory(ctx context.Context) (Inventory, error)
}

// Power reads and changes the power of nodes.
type Power interface {
	// Probe asks for the power state of each node and calls each exactly
	// once per node, as answers come in, never concurrently. A dead target
	// does not hold up the others.
	Probe(ctx context.Context, ids []string, each func(PowerReading))
	// Apply asks for op on each node and calls each exactly once per node,
	// as answers come in, never concurrently. It reports CallDone when the
	// target accepted, or when the node already is where op leads.
	Apply(ctx context.Context, op PowerOp, ids []string, each func(CallResult))
}

// BootProofs asks for what shows that nodes have booted.
type BootProofs interface {
	// Probe asks for the proof of each node and calls each exactly once per node, as
	// answers come in, never concurrently.
	Probe(ctx context.Context, asks []ProofAsk, each func(ProofReading))
}

// BootParameters stores what nodes boot (BSS, boot-service, the built-in endpoint).
type BootParameters interface {
	// Write stores the artifacts for all ids in one call and returns the
	// token that identifies this write; the token is empty where the
	// service has none. The error is a *CallError where the service said no, and
	// NodeErrors where it did so of some nodes only.
	Write(ctx context.Context, ids []string, artifacts BootArtifacts) (token string, err error)
}

// Artifacts reads boot images.
type Artifacts interface {
	// Image reads the manifest at path and what it names. An error that
	// wraps ErrImage means that manifest or kernel are missing or broken, any
	// other that it could not be read now. What is wrong with the rest of
	// the image is its Fault.
	Image(ctx context.Context, path string) (Image, error)
}

// ImageRecord is an image as the image registry (IMS) knows it.
type ImageRecord struct {
	ID string
	// Arch is the registry's word for it, such as x86_64 or aarch64; empty
	// where the registry says none.
	Arch string
}

// Images asks the image registry (IMS). An error of either method that wraps
// ErrNotFound means that the registry has no image of this id, any other that
// it could not be asked now.
type Images interface {
	// ImageRecord returns what is registered about an image.
	ImageRecord(ctx context.Context, id string) (ImageRecord, error)
	// Tag sets a tag of an image to a value and leaves its other tags alone.
	// It may be repeated. Images that nodes take their rootfs from by sbps
	// need SBPSTag before the nodes are powered on.
	Tag(ctx context.Context, id, key, value string) error
}

// Tenants says which nodes a tenant has.
type Tenants interface {
	// TenantNodes returns the tenant's xnames; ErrNotFound for an unknown tenant.
	TenantNodes(ctx context.Context, tenant string) ([]string, error)
}
