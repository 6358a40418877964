package cli

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/hw/qemu"
)

// emulateQEMUCommand runs nodes that really boot.
func emulateQEMUCommand() *cobra.Command {
	var config qemu.Config
	var writeConfig, api, scripts string
	c := &cobra.Command{
		Use: "qemu", Short: "Run virtual machines that boot by iPXE, each with a Redfish BMC, and an image store beside them", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config.Log = newLog(c)
			_, port, err := net.SplitHostPort(scripts)
			if err != nil {
				return fmt.Errorf("--boot-scripts %q is no address with a port, such as 127.0.0.1:8771", scripts)
			}
			config.BootScripts = "http://" + net.JoinHostPort(qemu.Host, port) + "/boot/v1"
			room, err := qemu.Start(config)
			if err != nil {
				return err
			}
			defer room.Close() //nolint:errcheck // the process ends
			if writeConfig != "" {
				if err := room.WriteConfig(writeConfig, api, scripts); err != nil {
					return fmt.Errorf("--write-config: %w", err)
				}
			}
			if _, err := fmt.Fprintf(c.OutOrStdout(), "virtual machines with images at %s\n", room.Store()); err != nil {
				return err
			}
			<-c.Context().Done()
			return nil
		},
	}
	f := c.Flags()
	f.IntVar(&config.Nodes, "nodes", 1, "how many machines; each that is on needs its memory and most of a processor while it boots")
	f.StringVar(&config.Images, "images", "images", "folder whose folders are the buckets of the image store")
	f.StringVar(&config.StateDir, "state-dir", "state", "folder for consoles, the certificate of the BMCs, their password and the inventory")
	f.StringVar(&config.Listen, "listen", qemu.DefaultListen, "loopback address of the image store; the BMCs take the ports after it")
	f.StringVar(&writeConfig, "write-config", "", "file to write a configuration for serve to")
	f.StringVar(&api, "bos", "127.0.0.1:8770", "where that configuration has serve listen")
	f.StringVar(&scripts, "boot-scripts", "127.0.0.1:8771", "where serve hands out boot scripts to the machines")
	f.BoolVar(&config.UEFI, "uefi", false, "machines have UEFI firmware in place of a BIOS; it takes about half a minute to iPXE without a virtual processor of the host")
	f.StringVar(&config.Firmware, "firmware", "", "folder with OVMF_CODE_4M.fd and OVMF_VARS_4M.fd (default /usr/share/OVMF)")
	f.IntVar(&config.Memory, "memory", 0, "memory of a machine in MiB (default 384)")
	f.StringVar(&config.QEMU, "qemu", "", "the program (default qemu-system-x86_64)")
	return c
}
