package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// BMCs are settings of some BMCs in place of those of all. What is not set stays.
type BMCs struct {
	// Names are xnames of BMCs or nodes, which may be folded, as in
	// x3000c0s[1-40]b0.
	Names string `yaml:"names"`
	// User and password, as in Credentials.
	Credentials Credentials `yaml:"credentials"`
	Sessions    *bool       `yaml:"sessions"`
	// CertificateSHA256 is that of the only certificate that they may have,
	// Insecure accepts any.
	CertificateSHA256 string `yaml:"certificate_sha256"`
	Insecure          bool   `yaml:"insecure"`
	// TLS is "legacy" for those that have no TLS 1.2 or no cipher with forward
	// secrecy.
	TLS          string        `yaml:"tls"`
	ReadTimeout  time.Duration `yaml:"read_timeout"`
	ResetTimeout time.Duration `yaml:"reset_timeout"`
}

// TLSLegacy is the only value of tls.
const TLSLegacy = "legacy"

// maxBMCNames bounds what the names of one entry stand for.
const maxBMCNames = 100_000

// Xnames are the BMCs of an entry.
func (b BMCs) Xnames() ([]string, error) {
	names, err := bos.Expand(b.Names, maxBMCNames)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		names[i] = bos.CanonicalXname(name)
		if bos.IsNodeXname(names[i]) {
			names[i] = bos.BMCOf(names[i])
		}
		if !bos.IsNodeXname(names[i] + "n0") {
			return nil, fmt.Errorf("%q is no xname of a BMC or node, such as x3000c0s1b0", name)
		}
	}
	return names, nil
}

func (b BMCs) validate(name string) error {
	names, err := b.Xnames()
	switch {
	case err != nil:
		return fmt.Errorf("%s.names: %w", name, err)
	case len(names) == 0:
		return fmt.Errorf("%s.names is missing; name the BMCs, such as x3000c0s[1-40]b0", name)
	case b.TLS != "" && b.TLS != TLSLegacy:
		return fmt.Errorf("%s.tls is %q; use %q, or leave it out", name, b.TLS, TLSLegacy)
	case b.CertificateSHA256 != "" && b.Insecure:
		return fmt.Errorf("%s has both certificate_sha256 and insecure; keep one", name)
	}
	if _, err := Fingerprint(b.CertificateSHA256); err != nil {
		return fmt.Errorf("%s.certificate_sha256: %w", name, err)
	}
	if password := b.Credentials.Password(name + ".credentials"); b.Credentials.User == "" != password.Empty() {
		return fmt.Errorf("%s.credentials need user and one of password_env, password_file and password_command", name)
	} else if err := password.validate(); err != nil {
		return err
	}
	return validTimeouts(name, map[string]time.Duration{"read_timeout": b.ReadTimeout, "reset_timeout": b.ResetTimeout})
}

// validateBMCs checks what some BMCs have of their own, and where BMCs may be.
func (r Redfish) validateBMCs(of Inventory) error {
	listed := make(map[string]int)
	for i, b := range r.BMCs {
		name := fmt.Sprintf("power.redfish.bmcs[%d]", i)
		if err := b.validate(name); err != nil {
			return err
		}
		names, _ := b.Xnames()
		for _, bmc := range names {
			if first, twice := listed[bmc]; twice && first != i {
				return fmt.Errorf("%s and power.redfish.bmcs[%d] both name %s; keep it in one", name, first, bmc)
			}
			listed[bmc] = i
		}
	}
	if err := r.NextPassword().validate(); err != nil {
		return err
	}
	if _, err := r.Prefixes(); err != nil {
		return err
	}
	if r.Concurrency < 0 {
		return fmt.Errorf("power.redfish.concurrency %d is negative; use a number of BMCs, or leave it out for 256", r.Concurrency)
	}
	if r.Reserve && of.HSM == nil {
		return errors.New("power.redfish.reserve needs inventory.hsm, which keeps reservations; inventory-service has none")
	}
	if r.Insecure && (of.HSM != nil || of.InventoryService != nil) && len(r.Networks) == 0 {
		return fmt.Errorf("power.redfish.insecure needs power.redfish.networks with an HSM or inventory-service: whoever may write to it could have the password sent anywhere; name the networks of the BMCs, such as 10.1.0.0/16, or pin their certificates (power.redfish.pins_file)")
	}
	return nil
}

// Prefixes are the networks where BMCs may be.
func (r Redfish) Prefixes() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range r.Networks {
		network, err := netip.ParsePrefix(text)
		if ip, wrong := netip.ParseAddr(text); err != nil && wrong == nil {
			network, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("power.redfish.networks: %q is no network; use one such as 10.1.0.0/16 or fd00:1::/64", text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

// Fingerprint is a SHA-256 in the form in which it is compared.
func Fingerprint(text string) (string, error) {
	plain := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	if b, err := hex.DecodeString(plain); plain != "" && (err != nil || len(b) != 32) {
		return "", fmt.Errorf("%q is no SHA-256 of a certificate: it has 64 hexadecimal digits, as openssl x509 -fingerprint -sha256 prints", text)
	}
	return plain, nil
}

// Pins reads the certificates of BMCs, by xname.
func (r Redfish) Pins() (map[string]string, error) {
	if r.PinsFile == "" {
		return nil, nil //nolint:nilnil // nobody has one
	}
	body, err := os.ReadFile(r.PinsFile)
	if err != nil {
		return nil, fmt.Errorf("power.redfish.pins_file: %w", err)
	}
	pins := make(map[string]string)
	for i, line := range strings.Split(string(body), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		wrong := func(why string) error {
			return fmt.Errorf("power.redfish.pins_file %s:%d: %s; write the xname of a BMC and the SHA-256 of its certificate", r.PinsFile, i+1, why)
		}
		if len(words) != 2 {
			return nil, wrong(fmt.Sprintf("there are %d words", len(words)))
		}
		names, err := BMCs{Names: words[0]}.Xnames()
		if err != nil || len(names) != 1 {
			return nil, wrong(fmt.Sprintf("%q is no xname of a BMC", words[0]))
		}
		pin, err := Fingerprint(words[1])
		if err != nil {
			return nil, wrong(err.Error())
		}
		if slices.Contains([]string{"", pin}, pins[names[0]]) {
			pins[names[0]] = pin
			continue
		}
		return nil, wrong(names[0] + " has another one above")
	}
	return pins, nil
}
