package bos

import "context"

// HostBoot is what a host boots, as the built-in boot script endpoint keeps it.
type HostBoot struct {
	// Host is an xname, or a MAC address in lower case with colons for a
	// host that was written by it.
	Host      string
	Artifacts BootArtifacts
	// Token is the referral token of the write.
	Token string
}

// HostBoots keeps what hosts boot where no BSS does. Each method that changes
// something returns only after the change is durable, and with it the token:
// Store.Token knows it from then on. Notes are written as events in the
// transaction of the change, each once for every host that was written.
type HostBoots interface {
	// PutHostBoots gives all hosts the artifacts under one token.
	PutHostBoots(ctx context.Context, hosts []string, a BootArtifacts, token string, notes ...Event) error
	// HostBoots lists what the hosts boot, ordered by host; hosts that have
	// nothing are left out. nil is every host.
	HostBoots(ctx context.Context, hosts []string) ([]HostBoot, error)
	// MutateHostBoots changes the artifacts of each host by fn, with a new
	// token for each set of artifacts that comes out. A host that has
	// nothing is ErrNotFound, and that or an error of fn undoes everything.
	MutateHostBoots(ctx context.Context, hosts []string, token func() string, fn func(*BootArtifacts) error, notes ...Event) error
	// DeleteHostBoots takes away what hosts boot; those that have nothing
	// are no error.
	DeleteHostBoots(ctx context.Context, hosts []string, notes ...Event) error
}

// NodeName is what else a node is known by on the network it boots from.
type NodeName struct {
	// ID is its xname.
	ID string
	// NID is its number, 0 for none.
	NID int
	// MACs are in lower case with colons.
	MACs []string
	// Addresses are IP addresses it asks from; none if they are not known.
	Addresses []string
}

// NodeNames knows nodes by the names they have when they boot. An error means
// that the names could not be read as a whole.
type NodeNames interface {
	NodeNames(ctx context.Context) ([]NodeName, error)
}
