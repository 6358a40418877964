package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Validate checks what each setting holds and what belongs together.
func (c Config) Validate() error {
	if c.MaxSetupWait < 0 {
		return fmt.Errorf("max_setup_wait_time %s is negative; use a duration such as 1h", c.MaxSetupWait)
	}
	if c.MaxUnreachable < 0 {
		return fmt.Errorf("max_unreachable_time %s is negative; use a duration such as 10m", c.MaxUnreachable)
	}
	if u, err := url.Parse(c.PublicURL); err != nil || c.PublicURL != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return errors.New("public_url is no address of a service; write it as people open it, such as https://bos.example, without user, ? and #")
	}
	if c.Streams < 0 || c.Streams > maxStreams {
		return fmt.Errorf("streams %d is not between 0 and %d; use how many pages, watches and readers of events may follow live at the same time, or leave it out for 64", c.Streams, maxStreams)
	}
	for _, name := range c.Names {
		if name == "" || strings.ContainsAny(name, "/:@ \t*") {
			return fmt.Errorf("names: %q is no host name; write each as clients write it in a URL, without scheme and port, such as bos.example", name)
		}
	}
	for _, check := range []func() error{c.DatabasePassword().validate, c.Power.Limits.validate, c.upstreams, c.exclusive, c.needs, c.Artifacts.validate, c.workload, c.report, c.Auth.Validate, c.tls, c.commandEnvironment, c.Log.validate} {
		if err := check(); err != nil {
			return err
		}
	}
	return c.BootParameters.validate(c.Artifacts)
}

// maxStreams bounds those who follow live: each is a connection, to which something is
// written four times a second.
const maxStreams = 4096

// maxPowerWindow bounds the window: after a restart nothing starts for as long.
const maxPowerWindow = time.Hour

func (l PowerLimits) validate() error {
	if l.Window < 0 || l.Window > maxPowerWindow {
		return fmt.Errorf("power.limits.window %s is not between 0 and %s; use a duration such as 10s", l.Window, maxPowerWindow)
	}
	for _, limit := range []struct {
		name  string
		count int
	}{
		{"starts", l.Starts}, {"starts_per_cabinet", l.StartsCabinet}, {"actions", l.Actions}, {"actions_per_cabinet", l.ActionsCabinet},
	} {
		if limit.count < 0 {
			return fmt.Errorf("power.limits.%s %d is negative; use a number of nodes, or leave it out for no limit", limit.name, limit.count)
		}
	}
	return nil
}

// upstreams checks every service that is named.
func (c Config) upstreams() error {
	if c.Power.PCS != nil {
		if d := c.Power.PCS.TaskDeadline; d != 0 && d < time.Minute {
			return fmt.Errorf("power.pcs.task_deadline %s is below a minute, the unit of PCS; use 1m or more", d)
		}
	}
	all := c.Upstreams()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := validURL(name+".url", all[name].URL); err != nil {
			return err
		}
		if err := all[name].Token(name).validate(); err != nil {
			return err
		}
	}
	return nil
}

// Upstreams are the services that are named, by their section.
func (c Config) Upstreams() map[string]Upstream {
	named := map[string]*Upstream{
		"inventory.hsm": c.Inventory.HSM, "boot_parameters.bss": c.BootParameters.BSS, "configuration.cfs": c.Configuration.CFS,
		"images.ims": c.Images.IMS, "tenants.tapms": c.Tenants.TAPMS, "inventory.inventory_service": c.Inventory.InventoryService,
	}
	if c.Power.PCS != nil {
		named["power.pcs"] = &c.Power.PCS.Upstream
	}
	if c.BootParameters.BootService != nil {
		named["boot_parameters.bootservice"] = &c.BootParameters.BootService.Upstream
	}
	all := make(map[string]Upstream)
	for name, u := range named {
		if u != nil {
			all[name] = *u
		}
	}
	return all
}

// exclusive refuses two answers to one question.
func (c Config) exclusive() error {
	for _, two := range []struct {
		first, second string
		both          bool
	}{
		{"inventory.hsm", "inventory.file", c.Inventory.HSM != nil && c.Inventory.File != ""},
		{"inventory.hsm", "inventory.inventory_service", c.Inventory.HSM != nil && c.Inventory.InventoryService != nil},
		{"inventory.inventory_service", "inventory.file", c.Inventory.InventoryService != nil && c.Inventory.File != ""},
		{"power.redfish", "power.pcs", c.Power.Redfish != nil && c.Power.PCS != nil},
		{"tenants.tapms", "tenants.file", c.Tenants.TAPMS != nil && c.Tenants.File != ""},
	} {
		if two.both {
			return fmt.Errorf("%s and %s are both set; keep one", two.first, two.second)
		}
	}
	return nil
}

// needs names what is missing for what is there.
func (c Config) needs() error {
	inventory := c.Inventory.HSM != nil || c.Inventory.InventoryService != nil || c.Inventory.File != ""
	for _, need := range []struct {
		has     bool
		setting string
		why     string
	}{
		{c.Power.Redfish != nil, "power.redfish", "which says where the BMCs are"},
		{c.Power.PCS != nil, "power.pcs", "which says what nodes there are"},
		{c.Configuration.CFS != nil, "configuration.cfs", "which says what nodes there are"},
	} {
		if need.has && !inventory {
			return fmt.Errorf("%s needs inventory.hsm, inventory.inventory_service or inventory.file, %s", need.setting, need.why)
		}
	}
	if tenants := c.Tenants.TAPMS != nil || c.Tenants.File != ""; tenants && c.Artifacts.S3 != nil && len(c.Artifacts.S3.Buckets) == 0 {
		return errors.New("artifacts.s3.buckets is missing, which tenants need: a tenant's templates could read all that the keys may; name the buckets of the images, such as boot-images")
	}
	if c.Inventory.Notifications != "" {
		if c.Inventory.HSM == nil {
			return errors.New("inventory.notifications needs inventory.hsm, which sends them; inventory-service sends none")
		}
		if err := validURL("inventory.notifications", c.Inventory.Notifications); err != nil {
			return err
		}
	}
	if c.Power.Redfish == nil {
		return nil
	}
	if c.Power.Redfish.Events != "" {
		if err := validURL("power.redfish.events", c.Power.Redfish.Events); err != nil {
			return err
		}
	}
	if err := c.Power.Redfish.validateTimeouts(); err != nil {
		return err
	}
	if err := c.Power.Redfish.validateBMCs(c.Inventory); err != nil {
		return err
	}
	return c.Power.Redfish.Credentials.Password("power.redfish.credentials").validate()
}

// maxBMCTimeout keeps a BMC from holding up the others of its batch of calls.
const maxBMCTimeout = 5 * time.Minute

func (r Redfish) validateTimeouts() error {
	return validTimeouts("power.redfish", map[string]time.Duration{
		"connect_timeout": r.ConnectTimeout, "tls_timeout": r.TLSTimeout, "read_timeout": r.ReadTimeout, "reset_timeout": r.ResetTimeout,
	})
}

func validTimeouts(section string, timeouts map[string]time.Duration) error {
	for _, name := range slices.Sorted(maps.Keys(timeouts)) {
		if is := timeouts[name]; is < 0 || is > maxBMCTimeout {
			return fmt.Errorf("%s.%s %s is not between 0 and %s; use a duration such as 30s", section, name, is, maxBMCTimeout)
		}
	}
	return nil
}

func (a Artifacts) validate() error {
	if a.S3 != nil && a.S3.Endpoint == "" {
		return errors.New("artifacts.s3.endpoint is missing; use one such as http://rgw:8080")
	}
	if a.S3 != nil {
		for _, bucket := range a.S3.Buckets {
			if path.Clean(bucket) != strings.TrimSuffix(bucket, "/") || strings.HasPrefix(bucket, "/") || strings.Contains(bucket, ":") {
				return fmt.Errorf("artifacts.s3.buckets: %q is no bucket; use one such as boot-images, or boot-images/tenant-a", bucket)
			}
		}
	}
	if a.Files != nil && !filepath.IsAbs(a.Files.Root) {
		return fmt.Errorf("artifacts.files.root %q is no absolute path; name the folder that images may be read from", a.Files.Root)
	}
	if a.HTTP == nil {
		return nil
	}
	if len(a.HTTP.Prefixes) == 0 {
		return errors.New("artifacts.http.prefixes is missing; name where images may be read from, such as https://images.example/boot/")
	}
	for _, p := range a.HTTP.Prefixes {
		if err := validURL("artifacts.http.prefixes", p); err != nil {
			return err
		}
		if !strings.HasSuffix(p, "/") {
			return fmt.Errorf("artifacts.http.prefixes %q does not end in a slash; without one it would also let %sx pass", p, p)
		}
	}
	return nil
}

// validURL refuses what is no plain address of a service. It does not repeat
// one that holds credentials.
func validURL(name, text string) error {
	if text == "" {
		return fmt.Errorf("%s is missing; use a URL such as http://host:8080/v1", name)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("%s is no URL; use one such as http://host:8080/v1", name)
	case u.User != nil:
		return fmt.Errorf("%s holds a user; credentials have settings of their own", name)
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s holds a query or fragment, which may be a secret and is sent nowhere; take it out, use a URL such as http://host:8080/v1, and a token by its own setting", name)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%s %q is no plain URL; use one such as http://host:8080/v1", name, text)
	}
	return nil
}
