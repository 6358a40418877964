package assembly

import (
	"cmp"
	"fmt"
	"os"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/wlm"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// workload makes the workload manager and the health check.
func (w *wiring) workload() error {
	c := w.settings.Workload
	names, err := w.workloadNames(c)
	if err != nil {
		return err
	}
	w.out.NodesByName = names.IDs
	if h := w.settings.Health; len(h.Command) > 0 {
		w.out.Health = wlm.NewHealth(&wlm.Runner{Environment: h.Environment, Timeout: h.Timeout}, names, h.Command)
		w.out.HealthPolicy = bos.HealthPolicy{On: true, Deadline: cmp.Or(h.Deadline, bos.DefaultHealthDeadline)}
	}
	if c.Manager == "" {
		return nil
	}
	commands := map[string]func(*wlm.Runner) wlm.Commands{"slurm": wlm.Slurm, "flux": wlm.Flux, "pbs": wlm.PBS}[c.Manager]
	run := &wlm.Runner{Folder: c.Folder, Environment: c.Environment, Timeout: c.Timeout}
	w.out.Workload = wlm.New(commands(run), names)
	w.out.WorkloadPolicy = bos.WorkloadPolicy{
		On: true, Deadline: cmp.Or(c.DrainDeadline, bos.DefaultDrainDeadline), ReturnDeadline: cmp.Or(c.ReturnDeadline, bos.DefaultReturnDeadline),
		NotIdle: cmp.Or(bos.NotIdle(c.NotIdle), bos.NotIdleFail), Unmanaged: cmp.Or(bos.Unmanaged(c.Unmanaged), bos.UnmanagedFail),
	}
	return nil
}

// workloadNames says what nodes are called by their workload manager.
func (w *wiring) workloadNames(c config.Workload) (wlm.Names, error) {
	switch {
	case c.NamesFile != "":
		text, err := os.ReadFile(c.NamesFile)
		if err != nil {
			return nil, fmt.Errorf("workload.names_file: %w", err)
		}
		listed, err := wlm.ParseListed(string(text))
		if err != nil {
			return nil, fmt.Errorf("workload.names_file %s: %w", c.NamesFile, err)
		}
		return listed, nil
	case c.NameFormat != "":
		source, ok := w.out.Inventory.(bos.NodeNames)
		if !ok {
			return nil, fmt.Errorf("workload.name_format needs an inventory that has NIDs, and this one has none; use workload.names_file")
		}
		return wlm.ByNID{Format: c.NameFormat, Source: source}, nil
	default:
		return wlm.ByXname{}, nil
	}
}
