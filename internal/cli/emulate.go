package cli

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// roomFlags are the flags of an emulated room, shared by serve and emulate.
type roomFlags struct {
	bootTime, powerTime time.Duration
	dead                string
	dump                string
	seed                uint64
	state               string
	// temporary is the state where none is named; it goes when the room ends.
	temporary       string
	power           string
	configTime      time.Duration
	onePace         bool
	tenants         []string
	faults, profile string
	also            []string
	inventory       string
	// token is the bearer token for BOS.
	token func(url string) string
}

func (f *roomFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.DurationVar(&f.bootTime, "emulate-boot-time", machineroom.DefaultBootTime, "how long an emulated node takes from power to its report")
	flags.DurationVar(&f.powerTime, "emulate-power-time", machineroom.DefaultPowerTime, "how long power takes to change")
	flags.DurationVar(&f.configTime, "emulate-config-time", machineroom.DefaultConfigTime, "how long CFS takes to configure a node that has booted")
	flags.BoolVar(&f.onePace, "emulate-one-pace", false, "no node is faster or slower than another: what begins together ends at the same moment")
	flags.StringArrayVar(&f.tenants, "tenant", nil, "a tenant in TAPMS and its nodes, as in blue=x1000c0s[0-7]b0n0; may be repeated")
	flags.StringVar(&f.dead, "dead", "", "xnames of nodes or BMCs whose BMC does not answer, separated by commas")
	flags.StringVar(&f.faults, "faults", "", "script of what goes wrong, where and when: a YAML list of rules")
	flags.StringVar(&f.profile, "profile", "", "make of the BMCs: "+strings.Join(machineroom.ProfileNames(), ", ")+"; or a YAML file that lists nodes and profiles")
	flags.StringSliceVar(&f.also, "also", nil, "services that the service shall use too: cfs, ims, tapms")
	flags.StringVar(&f.dump, "hsm-dump", "", "folder with a real site's HSM dump to emulate instead of invented nodes")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the nodes' own pace")
	flags.StringVar(&f.power, "power", emulator.PowerRedfish, "how the service shall control power: redfish or pcs")
	flags.StringVar(&f.inventory, "inventory", services.InventoryDiscovered, "what HSM knows of the BMCs: discovered, posted (no paths) or targets (no reset types)")
	flags.StringVar(&f.state, "state-dir", "", "folder that keeps the CA over restarts")
}

func (f *roomFlags) config(nodes int, listen string, log *slog.Logger) (emulator.ServerConfig, error) {
	c := emulator.ServerConfig{Listen: listen, StateDir: f.state, Power: f.power, Inventory: f.inventory, Also: f.also, Token: f.token, Log: log, Config: machineroom.Config{
		Nodes: nodes, Seed: f.seed, PowerTime: f.powerTime, BootTime: f.bootTime, ConfigTime: f.configTime, OnePace: f.onePace,
	}}
	if f.profile != "" {
		list, err := machineroom.LoadProfiles(f.profile)
		if err != nil {
			return c, err
		}
		c.Profiles = list
	}
	if f.faults != "" {
		script, err := fault.Load(f.faults)
		if err != nil {
			return c, err
		}
		c.Script = script
	}
	for _, t := range f.tenants {
		name, folded, _ := strings.Cut(t, "=")
		if c.Tenants == nil {
			c.Tenants = make(map[string]string)
		}
		c.Tenants[name] = folded
	}
	if f.dead != "" {
		c.Dead = strings.Split(f.dead, ",")
	}
	if f.dump != "" {
		dump, err := machineroom.LoadDump(f.dump)
		if err != nil {
			return c, err
		}
		c.Dump = dump
	}
	return c, nil
}

// tokenFor is the bearer token of this program for a BOS: that of its environment,
// or the one that a service on this machine has left, if the URL says at which address
// it is: another user may listen at another one of localhost.
func tokenFor(url string) string {
	if token := os.Getenv("BOS_TOKEN"); token != "" || localtoken.At(url) != "" {
		return token
	}
	return localtoken.Find(url)
}

func emulateCommand() *cobra.Command {
	var room roomFlags
	var nodes, perBMC int
	var listen, writeConfig, bosURL, scripts string
	c := &cobra.Command{
		Use: "emulate", Short: "Run an emulated machine room: HSM, BMCs, PCS, BSS, CFS, IMS, TAPMS and S3 on loopback addresses", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if nodes <= 0 && room.dump == "" {
				return fmt.Errorf("--nodes is %d; give how many nodes to invent, or --hsm-dump", nodes)
			}
			room.token = tokenFor
			config, err := room.config(nodes, listen, newLog(c))
			if err != nil {
				return err
			}
			config.BOSURL, config.NodesPerBMC = bosURL, perBMC
			server, err := emulator.Start(c.Context(), config)
			if err != nil {
				return err
			}
			defer server.Close() //nolint:errcheck // the process ends
			if scripts != "" {
				server.SetBootScripts(scripts)
			}
			if writeConfig != "" {
				if err := server.WriteConfig(writeConfig); err != nil {
					return fmt.Errorf("--write-config: %w", err)
				}
			}
			if _, err := fmt.Fprintf(c.OutOrStdout(), "emulated machine room at %s\n", server.Endpoints().S3); err != nil {
				return err
			}
			<-c.Context().Done()
			return nil
		},
	}
	c.Flags().IntVar(&nodes, "nodes", 0, "how many compute nodes to invent")
	c.Flags().IntVar(&perBMC, "nodes-per-bmc", machineroom.DefaultNodesPerBMC, "how many invented nodes share a BMC")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8780", "loopback address of the services; the BMCs take the port after it")
	c.Flags().StringVar(&writeConfig, "write-config", "", "file to write a configuration for serve to")
	c.Flags().StringVar(&bosURL, "bos", "http://127.0.0.1:8770", "where nodes report to; by address where the service leaves them its token")
	c.Flags().StringVar(&scripts, "boot-scripts", "", "where nodes fetch their boot scripts, such as http://127.0.0.1:8771/boot/v1 of a built-in endpoint (default: the room's own BSS)")
	room.add(c)
	c.AddCommand(emulateQEMUCommand())
	return c
}
