// Package inventoryfile is the inventory of a site without HSM: nodes, their
// groups, and where their BMCs are, in a YAML file. It speaks to nothing; how
// BMCs are spoken to is the business of package redfish.
package inventoryfile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// Secret says where the password of a BMC is; What names the setting, to which
// _env, _file and _command are added.
type Secret struct {
	What    string
	Env     string
	File    string
	Command []string
}

// File is an inventory file. It is looked at again for every question, and what
// is wrong with it is named with its line. It is safe for concurrent use.
type File struct {
	file *yamlfile.File[*site]
}

var (
	_ bos.InventorySource = (*File)(nil)
	_ bos.NodeNames       = (*File)(nil)
)

// New reads the file at path. open is how a password is read, and read again
// when it is needed.
func New(path string, open func(Secret) func() (string, error)) *File {
	return &File{yamlfile.New(path, func(d yamlfile.Document) (*site, error) { return parse(d, open) })}
}

// Check reads the file and says what is wrong with it.
func (f *File) Check() error {
	_, err := f.read()
	return err
}

// Faults are the credentials of the file whose password cannot be read now, in the
// order of their names, with the reason.
func (f *File) Faults() []error {
	s, err := f.read()
	if err != nil {
		return []error{err}
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(s.credentials)) {
		if _, err := s.credentials[name].password(); err != nil {
			faults = append(faults, fmt.Errorf("inventory.file: credentials %q: %w", name, err))
		}
	}
	return faults
}

func (f *File) read() (*site, error) {
	s, err := f.file.Read()
	if err != nil {
		return nil, fmt.Errorf("inventory.file: %w", err)
	}
	return s, nil
}

// Inventory is the nodes with their groups and partitions.
func (f *File) Inventory(context.Context) (bos.Inventory, error) {
	s, err := f.read()
	if err != nil {
		return bos.Inventory{}, err
	}
	inv := s.inventory
	inv.Nodes = append([]bos.Node(nil), inv.Nodes...)
	inv.Groups, inv.Partitions = maps.Clone(inv.Groups), maps.Clone(inv.Partitions)
	return inv, nil
}

// NodeNames is what the nodes are known by when they boot.
func (f *File) NodeNames(context.Context) ([]bos.NodeName, error) {
	s, err := f.read()
	if err != nil {
		return nil, err
	}
	return append([]bos.NodeName(nil), s.names...), nil
}

// Endpoint is where the ComputerSystem of a node is, and how its BMC is spoken
// to.
type Endpoint struct {
	// Address is the BMC's host, with a port where it is not 443.
	Address string
	// System is the path of the ComputerSystem, Target that of its reset
	// action, each empty if the file does not say.
	System, Target string
	// ResetTypes are the values the BMC takes, empty if the file does not say.
	ResetTypes []string
	// User and Password are the BMC's own, both empty for those of the
	// configuration.
	User, Password string
	// Pin is the SHA-256 of the only certificate that the BMC may have, in
	// hexadecimal; empty for none.
	Pin string
	// Insecure accepts any certificate.
	Insecure bool
	// Legacy takes old TLS, Sessions says whether the BMC is logged in to (nil is
	// as the configuration says), Read and Reset are its own timeouts.
	Legacy      bool
	Sessions    *bool
	Read, Reset time.Duration
	// Fault says why its password cannot be read; empty if it can.
	Fault string
}

// Endpoints is where the BMCs of all nodes are, by xname. Nodes without one are
// left out. A password that cannot be read is the fault of those that have it.
func (f *File) Endpoints(context.Context) (map[string]Endpoint, error) {
	s, err := f.read()
	if err != nil {
		return nil, err
	}
	passwords, faults := make(map[string]string, len(s.credentials)), make(map[string]string)
	for name, c := range s.credentials {
		if passwords[name], err = c.password(); err != nil {
			faults[name] = fmt.Sprintf("nothing is sent to its BMC, as the password of its credentials %q in inventory.file cannot be read: %v", name, err)
		}
	}
	all := make(map[string]Endpoint, len(s.endpoints))
	for id, e := range s.endpoints {
		if c, ok := s.credentials[e.credentials]; ok {
			e.User, e.Password, e.Fault = c.user, passwords[e.credentials], faults[e.credentials]
		}
		all[id] = e.Endpoint
	}
	return all, nil
}

// site is what a file says.
type site struct {
	inventory   bos.Inventory
	names       []bos.NodeName
	endpoints   map[string]endpoint
	credentials map[string]credentials
}

// endpoint is one whose credentials are to be read.
type endpoint struct {
	Endpoint
	credentials string
}

type credentials struct {
	user     string
	password func() (string, error)
}
