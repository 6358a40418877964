package inventoryfile

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// maxNodes bounds the nodes of a file.
const maxNodes = 100_000

// document is the file.
type document struct {
	Credentials map[string]credential `yaml:"credentials"`
	// Groups and Partitions map a name to xnames, which may be folded.
	Groups     map[string]string `yaml:"groups"`
	Partitions map[string]string `yaml:"partitions"`
	Nodes      []entry           `yaml:"nodes"`
}

type credential struct {
	User            string   `yaml:"user"`
	PasswordEnv     string   `yaml:"password_env"`
	PasswordFile    string   `yaml:"password_file"`
	PasswordCommand []string `yaml:"password_command"`
}

// entry is the nodes of one line. What is a list has a value for each node, in
// the order of the xnames.
type entry struct {
	// Xnames may be folded, as in x3000c0s[1-40]b0n0.
	Xnames  string   `yaml:"xnames"`
	Role    string   `yaml:"role"`
	SubRole string   `yaml:"sub_role"`
	Arch    string   `yaml:"arch"`
	Enabled *bool    `yaml:"enabled"`
	Locked  bool     `yaml:"locked"`
	Groups  []string `yaml:"groups"`
	// NIDs and IPs may be folded, as in [1-40] and 10.1.0.[1-40].
	NIDs string   `yaml:"nids"`
	IPs  string   `yaml:"ips"`
	MACs []string `yaml:"macs"`
	BMC  *bmc     `yaml:"bmc"`
}

// bmc is where the BMCs of an entry are. {xname}, {bmc} and {node} in address,
// system and reset_target stand for the xname of the node, that of its BMC, and
// the number of the node there.
type bmc struct {
	// Address is one host with a placeholder, or one for each BMC, or one for
	// each node, folded as in bmc[1-40].example.
	Address string `yaml:"address"`
	// System may be left out where the BMC has one node: it is asked then.
	System      string   `yaml:"system"`
	ResetTarget string   `yaml:"reset_target"`
	ResetTypes  []string `yaml:"reset_types"`
	Credentials string   `yaml:"credentials"`
	Pin         string   `yaml:"certificate_sha256"`
	Insecure    bool     `yaml:"insecure"`
	// TLS is "legacy" for BMCs that have no TLS 1.2 or no cipher with forward
	// secrecy.
	TLS          string        `yaml:"tls"`
	Sessions     *bool         `yaml:"sessions"`
	ReadTimeout  time.Duration `yaml:"read_timeout"`
	ResetTimeout time.Duration `yaml:"reset_timeout"`
}

// maxTimeout keeps a BMC from holding up the others of its batch of calls.
const maxTimeout = 5 * time.Minute

// parser reads one document.
type parser struct {
	yamlfile.Document
	body document
	site *site
	// at is where each node is listed, systems which node has a system, and
	// onBMC one that has a BMC.
	at, systems, onBMC map[string]string
}

func parse(d yamlfile.Document, open func(Secret) func() (string, error)) (*site, error) {
	p := &parser{Document: d, at: make(map[string]string), systems: make(map[string]string), onBMC: make(map[string]string), site: &site{
		inventory:   bos.Inventory{Groups: make(map[string][]string), Partitions: make(map[string][]string)},
		endpoints:   make(map[string]endpoint),
		credentials: make(map[string]credentials),
	}}
	if err := d.Decode(&p.body); err != nil {
		return nil, err
	}
	if err := p.readCredentials(open); err != nil {
		return nil, err
	}
	for i, e := range p.body.Nodes {
		if err := p.entry(fmt.Sprintf("$.nodes[%d]", i), e); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(p.site.inventory.Nodes, func(a, b bos.Node) int { return bos.CompareXnames(a.ID, b.ID) })
	for name, folded := range p.body.Groups {
		if err := p.set("$.groups."+name, name, folded, p.site.inventory.Groups); err != nil {
			return nil, err
		}
	}
	for name, folded := range p.body.Partitions {
		if err := p.set("$.partitions."+name, name, folded, p.site.inventory.Partitions); err != nil {
			return nil, err
		}
	}
	return p.site, nil
}

func (p *parser) readCredentials(open func(Secret) func() (string, error)) error {
	for name, c := range p.body.Credentials {
		place := "$.credentials." + name
		ways := 0
		for _, set := range []bool{c.PasswordEnv != "", c.PasswordFile != "", len(c.PasswordCommand) > 0} {
			if set {
				ways++
			}
		}
		if c.User == "" || ways != 1 {
			return p.Errorf(place, "credentials %q need user and one of password_env, password_file and password_command", name)
		}
		p.site.credentials[name] = credentials{c.User, open(Secret{
			What: "credentials." + name + ".password", Env: c.PasswordEnv, File: c.PasswordFile, Command: c.PasswordCommand,
		})}
	}
	return nil
}

// set adds members to a group or partition.
func (p *parser) set(place, name, folded string, into map[string][]string) error {
	ids, err := p.xnames(place, folded)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if p.at[id] == "" {
			return p.Errorf(place, "%q has the member %s, which is none of the nodes; list it or take it out", name, id)
		}
	}
	all := slices.Concat(into[name], ids)
	slices.SortFunc(all, bos.CompareXnames)
	into[name] = slices.Compact(all)
	return nil
}

func (p *parser) xnames(place, folded string) ([]string, error) {
	ids, err := bos.Expand(folded, maxNodes-len(p.at))
	if err != nil {
		return nil, p.Errorf(place, "%w", err)
	}
	for i, id := range ids {
		if ids[i] = bos.CanonicalXname(id); !bos.IsNodeXname(ids[i]) {
			return nil, p.Errorf(place, "%q is no xname of a node, such as x3000c0s1b0n0", id)
		}
	}
	return ids, nil
}

// entry takes the nodes of one entry in.
func (p *parser) entry(place string, e entry) error {
	ids, err := p.xnames(place+".xnames", e.Xnames)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return p.Errorf(place, "xnames is missing; name the nodes, such as x3000c0s[1-40]b0n0")
	}
	role := e.Role
	if role == "" {
		role = "Compute"
	}
	for _, id := range ids {
		if p.at[id] != "" {
			return p.Errorf(place+".xnames", "%s is listed twice", id)
		}
		p.at[id] = place
		p.site.inventory.Nodes = append(p.site.inventory.Nodes, bos.Node{
			ID: id, Role: role, SubRole: e.SubRole, Arch: e.Arch, Enabled: e.Enabled == nil || *e.Enabled, Locked: e.Locked,
		})
	}
	for _, group := range e.Groups {
		p.site.inventory.Groups[group] = append(p.site.inventory.Groups[group], ids...)
	}
	if err := p.names(place, e, ids); err != nil {
		return err
	}
	if e.BMC == nil {
		return nil
	}
	return p.bmcs(place+".bmc", *e.BMC, ids)
}

// names takes in what the nodes are known by when they boot.
func (p *parser) names(place string, e entry, ids []string) error {
	nids, err := p.each(place+".nids", e.NIDs, ids)
	if err != nil {
		return err
	}
	ips, err := p.each(place+".ips", e.IPs, ids)
	if err != nil {
		return err
	}
	if n := len(e.MACs); n > 0 && n != len(ids) && len(ids) > 1 {
		return p.Errorf(place+".macs", "%d addresses are for %d nodes; give one for each", n, len(ids))
	}
	for i, id := range ids {
		name := bos.NodeName{ID: id}
		if nids != nil {
			if name.NID, err = strconv.Atoi(nids[i]); err != nil || name.NID <= 0 {
				return p.Errorf(place+".nids", "%q is no NID, which is a number above 0", nids[i])
			}
		}
		if ips != nil {
			ip, err := netip.ParseAddr(ips[i])
			if err != nil {
				return p.Errorf(place+".ips", "%q is no IP address", ips[i])
			}
			name.Addresses = []string{ip.String()}
		}
		for j, mac := range e.MACs {
			if len(ids) > 1 && i != j {
				continue
			}
			if mac = strings.ToLower(strings.ReplaceAll(mac, "-", ":")); !macForm.MatchString(mac) {
				return p.Errorf(place+".macs", "%q is no MAC address, such as a4:bf:01:28:90:a8", mac)
			}
			name.MACs = append(name.MACs, mac)
		}
		p.site.names = append(p.site.names, name)
	}
	return nil
}

var macForm = regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`)

// each is a folded list with a value for each node, nil for none.
func (p *parser) each(place, folded string, ids []string) ([]string, error) {
	all, err := bos.Expand(folded, maxNodes)
	switch {
	case err != nil:
		return nil, p.Errorf(place, "%w", err)
	case all != nil && len(all) != len(ids):
		return nil, p.Errorf(place, "%q is %d values for %d nodes; give one for each", folded, len(all), len(ids))
	}
	return all, nil
}

// bmcs takes in where the BMCs of the nodes are.
func (p *parser) bmcs(place string, b bmc, ids []string) error {
	if _, ok := p.site.credentials[b.Credentials]; b.Credentials != "" && !ok {
		return p.Errorf(place+".credentials", "%q is none of the credentials of this file", b.Credentials)
	}
	pin, err := fingerprint(b.Pin)
	if err != nil {
		return p.Errorf(place+".certificate_sha256", "%w", err)
	}
	if pin != "" && b.Insecure {
		return p.Errorf(place, "certificate_sha256 and insecure are both set; keep one")
	}
	if b.TLS != "" && b.TLS != "legacy" {
		return p.Errorf(place+".tls", "tls is %q; use \"legacy\", or leave it out", b.TLS)
	}
	if longest := max(b.ReadTimeout, b.ResetTimeout); min(b.ReadTimeout, b.ResetTimeout) < 0 || longest > maxTimeout {
		return p.Errorf(place, "read_timeout or reset_timeout is not between 0 and %s; use a duration such as 30s", maxTimeout)
	}
	addresses, err := p.addresses(place+".address", b.Address, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		e := endpoint{credentials: b.Credentials, Endpoint: Endpoint{
			Address: addresses[i], ResetTypes: b.ResetTypes, Pin: pin, Insecure: b.Insecure,
			Legacy: b.TLS != "", Sessions: b.Sessions, Read: b.ReadTimeout, Reset: b.ResetTimeout,
		}}
		if e.System, err = fill(b.System, id); err != nil {
			return p.Errorf(place+".system", "%w", err)
		}
		if e.Target, err = fill(b.ResetTarget, id); err != nil {
			return p.Errorf(place+".reset_target", "%w", err)
		}
		for _, path := range [][2]string{{"system", e.System}, {"reset_target", e.Target}} {
			if path[1] != "" && !strings.HasPrefix(path[1], "/") {
				return p.Errorf(place+"."+path[0], "%s %q is no path that begins with a slash", path[0], path[1])
			}
		}
		if e.System == "" && e.Target != "" {
			return p.Errorf(place+".reset_target", "reset_target %q is that of no system; name the system too, or leave both out", e.Target)
		}
		if err := p.claim(place, id, e.Endpoint); err != nil {
			return err
		}
		p.site.endpoints[id] = e
	}
	return nil
}

// claim gives a node its system. One whose path the file leaves out is the only
// one of its BMC.
func (p *parser) claim(place, id string, e Endpoint) error {
	if other := p.systems[e.Address+e.System]; other != "" && e.System != "" {
		return p.Errorf(place, "%s and %s are both the system %s of the BMC %s; tell them apart by {bmc} in address or {node} in system", other, id, e.System, e.Address)
	}
	if first := p.onBMC[e.Address]; first != "" && (e.System == "" || p.systems[e.Address] != "") {
		return p.Errorf(place, "%s and %s are on the BMC %s, and system is missing; name the path of the ComputerSystem of each, such as /redfish/v1/Systems/Node{node}", first, id, e.Address)
	}
	p.onBMC[e.Address], p.systems[e.Address+e.System] = id, id
	return nil
}

// addresses is the address of the BMC of each node.
func (p *parser) addresses(place, text string, ids []string) ([]string, error) {
	if text == "" {
		return nil, p.Errorf(place, "address is missing; name the host of the BMC, such as {bmc}.bmc.example or bmc[1-40].example")
	}
	list, err := hosts(text)
	if err != nil {
		return nil, p.Errorf(place, "%w", err)
	}
	number := make(map[string]int) // of each BMC, in the order of the nodes
	for _, id := range ids {
		if _, known := number[bos.BMCOf(id)]; !known {
			number[bos.BMCOf(id)] = len(number)
		}
	}
	shared := len(list) == 1 && (len(number) == 1 || strings.ContainsAny(text, "{}"))
	if !shared && len(list) != len(ids) && len(list) != len(number) {
		return nil, p.Errorf(place, "%q is %d addresses for %d nodes on %d BMCs; give one for each, or use {bmc}", text, len(list), len(ids), len(number))
	}
	all := make([]string, len(ids))
	for i, id := range ids {
		at := list[0]
		switch {
		case shared:
		case len(list) == len(ids):
			at = list[i]
		default:
			at = list[number[bos.BMCOf(id)]]
		}
		if all[i], err = fill(at, id); err != nil {
			return nil, p.Errorf(place, "%w", err)
		}
		if ip, err := netip.ParseAddr(all[i]); err == nil && ip.Is6() {
			all[i] = "[" + all[i] + "]"
		}
		if u, err := url.Parse("https://" + all[i] + "/"); err != nil || u.Host != all[i] || u.User != nil {
			// It may hold credentials and is not repeated.
			return nil, p.Errorf(place, "the address of the BMC of %s is no host, such as bmc1.example or 10.1.0.1:8443 or [fd00::1]:8443", id)
		}
	}
	return all, nil
}

// bracketed is an IPv6 address in the brackets of a URL, which are no folding.
var bracketed = regexp.MustCompile(`\[([0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]`)

// hosts are the addresses that a text stands for.
func hosts(text string) ([]string, error) {
	const open, closed = "\x00", "\x01"
	list, err := bos.Expand(bracketed.ReplaceAllString(text, open+"$1"+closed), maxNodes)
	for i, host := range list {
		list[i] = strings.NewReplacer(open, "[", closed, "]").Replace(host)
	}
	return list, err
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// fill replaces the placeholders by what they are for a node.
func fill(text, id string) (string, error) {
	bmc := bos.BMCOf(id)
	values := map[string]string{"{xname}": id, "{bmc}": bmc, "{node}": strings.TrimPrefix(strings.TrimPrefix(id, bmc), "n")}
	for _, found := range placeholder.FindAllString(text, -1) {
		if _, ok := values[found]; !ok {
			return "", fmt.Errorf("%q has the placeholder %s; there are {xname}, {bmc} and {node}", text, found)
		}
	}
	return placeholder.ReplaceAllStringFunc(text, func(found string) string { return values[found] }), nil
}

// fingerprint is a SHA-256 in the form in which it is compared.
func fingerprint(text string) (string, error) {
	plain := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	if plain == "" {
		return "", nil
	}
	if b, err := hex.DecodeString(plain); err != nil || len(b) != 32 {
		return "", fmt.Errorf("%q is no SHA-256 of a certificate: it has 64 hexadecimal digits, as openssl x509 -fingerprint -sha256 prints", text)
	}
	return plain, nil
}
