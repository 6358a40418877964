package assembly

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/bootorch/terraform-provider-bos/internal/hw/bss"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/pcs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/service"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// wire makes the adapters that the settings name.
func wire(c config.Config) (service.Config, error) {
	sc := service.Config{MaxUnreachable: c.MaxUnreachable}
	if c.BootParameters.BSS != nil {
		sc.Boot = bss.New(transport.Upstream{URL: c.BootParameters.BSS.URL})
	}
	if c.Artifacts.S3 != nil {
		access, secret, err := s3Keys(*c.Artifacts.S3)
		if err != nil {
			return sc, err
		}
		client, err := s3.New(c.Artifacts.S3.Endpoint, access, secret)
		if err != nil {
			return sc, err
		}
		sc.Artifacts = client
	}
	if c.Power.PCS != nil {
		sc.Power = pcs.New(pcs.Config{Upstream: transport.Upstream{URL: c.Power.PCS.URL}, TaskDeadline: c.Power.PCS.TaskDeadline})
	}
	if c.Inventory.HSM == nil {
		return sc, nil
	}
	inventory := hsm.New(transport.Upstream{URL: c.Inventory.HSM.URL})
	sc.Inventory = inventory
	if c.Power.Redfish == nil {
		return sc, nil
	}
	power, err := wireRedfish(*c.Power.Redfish, inventory)
	if err == nil {
		sc.Power = power
	}
	return sc, err
}

func wireRedfish(c config.Redfish, inventory *hsm.Client) (*redfish.Client, error) {
	password, err := config.Secret("power.redfish.credentials.password", c.Credentials.PasswordEnv, c.Credentials.PasswordFile)
	if err != nil {
		return nil, err
	}
	rc := redfish.Config{Insecure: c.Insecure, User: c.Credentials.User, Password: password}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("power.redfish.ca_file: %w", err)
		}
		rc.CA = x509.NewCertPool()
		if !rc.CA.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("power.redfish.ca_file %s holds no certificate in PEM form", c.CAFile)
		}
	}
	rc.Endpoints = func(ctx context.Context) (map[string]redfish.Endpoint, error) {
		list, err := inventory.Endpoints(ctx)
		if err != nil {
			return nil, err
		}
		endpoints := make(map[string]redfish.Endpoint, len(list))
		for id, e := range list {
			endpoints[id] = redfish.Endpoint{Address: e.FQDN, System: e.System, Target: e.Target, ResetTypes: e.ResetTypes}
		}
		return endpoints, nil
	}
	return redfish.New(rc), nil
}
