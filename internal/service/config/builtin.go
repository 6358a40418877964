package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Builtin is the boot script endpoint of the service itself, in place of BSS.
type Builtin struct {
	// Listen is an address that serves boot scripts and nothing else, for
	// the network of the nodes. Empty is the API's address alone.
	Listen string `yaml:"listen"`
	// URL is the prefix before /bootscript under which nodes reach it, such
	// as http://10.1.1.2:8771/boot/v1; empty is where each request came to.
	URL string `yaml:"url"`
	// ArtifactsURL is where nodes load s3:// objects from; empty is
	// artifacts.s3.endpoint.
	ArtifactsURL string `yaml:"artifacts_url"`
	// Presign signs links to objects with the keys of artifacts.s3. If it
	// is not set, links are signed where there are keys and artifacts_url
	// is not set.
	Presign *bool `yaml:"presign"`
	// PresignTTL is how long a signed link is good for; 0 is an hour.
	PresignTTL time.Duration `yaml:"presign_ttl"`
	// BootIF is whether a node that asks by MAC address is told it on its kernel's
	// line (BOOTIF=), so that its initrd uses the same interface; true if it is not
	// set.
	BootIF *bool `yaml:"bootif"`
	// AnySource hands scripts to whoever asks, also where the inventory
	// knows the addresses of a node.
	AnySource bool `yaml:"any_source"`
}

// defaultPresignTTL is enough for two files, and a script that is asked for
// again has new links.
const defaultPresignTTL = time.Hour

// Signs is how long links are good for, 0 for plain ones.
func (b Builtin) Signs(hasKeys bool) time.Duration {
	sign := hasKeys && b.ArtifactsURL == ""
	if b.Presign != nil {
		sign = *b.Presign
	}
	switch {
	case !sign:
		return 0
	case b.PresignTTL == 0:
		return defaultPresignTTL
	default:
		return b.PresignTTL
	}
}

func (b BootParameters) validate(a Artifacts) error {
	var all []string
	for _, way := range []struct {
		name string
		is   bool
	}{{"bss", b.BSS != nil}, {"bootservice", b.BootService != nil}, {"builtin", b.Builtin != nil}} {
		if way.is {
			all = append(all, way.name)
		}
	}
	if len(all) > 1 {
		return fmt.Errorf("boot_parameters has both %s; keep the one that nodes boot from", strings.Join(all, " and "))
	}
	if b.BootService != nil {
		return b.BootService.validate()
	}
	switch {
	case b.Builtin == nil:
		return nil
	case b.Builtin.Presign != nil && *b.Builtin.Presign && a.S3 == nil:
		return errors.New("boot_parameters.builtin.presign needs artifacts.s3, whose keys sign the links")
	case b.Builtin.PresignTTL < 0:
		return fmt.Errorf("boot_parameters.builtin.presign_ttl %s is negative; use a duration such as 1h", b.Builtin.PresignTTL)
	}
	for name, value := range map[string]string{"url": b.Builtin.URL, "artifacts_url": b.Builtin.ArtifactsURL} {
		if err := linkBase("boot_parameters.builtin."+name, value); err != nil {
			return err
		}
	}
	return nil
}

// legacyPath is where boot-service emulates BSS, which replaces the boot
// configurations of others.
const legacyPath = "/boot/v1"

func (b BootService) validate() error {
	if strings.HasSuffix(strings.TrimRight(b.URL, "/"), legacyPath) {
		return fmt.Errorf("boot_parameters.bootservice.url %q is the path of BSS; name where /bootconfigurations is, such as http://boot-service:8080", b.URL)
	}
	return linkBase("boot_parameters.bootservice.artifacts_url", b.ArtifactsURL)
}

// linkBase refuses what links cannot begin with; empty is none.
func linkBase(name, value string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return fmt.Errorf("%s is not a URL without user and query, such as http://10.1.1.2:8771", name)
	}
	return nil
}
