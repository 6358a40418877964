package decide

import (
	"fmt"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// NoNodes is the error of a session that selects nobody; clients compare it.
const NoNodes = "No nodes were found to act upon."

// SetupResult is what setting a session up writes.
type SetupResult struct {
	// Writes are the next records; their revision is the one read.
	Writes []bos.Record
	// Components is the comma list of the session record.
	Components string
	Warnings   []string
	// Unknown are selected nodes that BOS has no record of.
	Unknown []string
}

// Setup arms the selected nodes (bos-contract section 4). Its error is the
// sentence the session ends with; then nothing is written.
func Setup(s bos.SessionRecord, sel Selection, images map[string]bos.Image, records map[string]bos.Record, o bos.Options, now time.Time) (SetupResult, error) {
	result := SetupResult{Warnings: sel.Warnings}
	if len(sel.BootSets) == 0 {
		return result, fmt.Errorf("%s", NoNodes)
	}
	var ids []string
	for _, set := range sel.BootSets {
		desired, err := desiredState(s, s.Template.BootSets[set.Name], set.Name, images, o)
		if err != nil {
			return SetupResult{}, err
		}
		for _, id := range set.Nodes {
			r, known := records[id]
			if !known {
				result.Unknown = append(result.Unknown, id)
				continue
			}
			ids = append(ids, id)
			result.Writes = append(result.Writes, arm(r, s.Session, desired, now))
		}
	}
	if len(ids) == 0 {
		return SetupResult{}, fmt.Errorf("none of the %d selected nodes has a BOS component yet (%s); wait for discovery and create the session again", len(result.Unknown), bos.Fold(result.Unknown))
	}
	result.Components = strings.Join(ids, ",")
	return result, nil
}

// desiredState is what the nodes of a boot set shall run: nothing after a
// shutdown.
func desiredState(s bos.SessionRecord, set bos.BootSet, name string, images map[string]bos.Image, o bos.Options) (bos.DesiredState, error) {
	if s.Operation == bos.OperationShutdown {
		return bos.DesiredState{}, nil
	}
	image, ok := images[set.Path]
	if !ok {
		return bos.DesiredState{}, fmt.Errorf("boot set %q: the image at %s was not read", name, set.Path)
	}
	params, err := KernelParameters(set, image, o)
	if err != nil {
		return bos.DesiredState{}, fmt.Errorf("boot set %q: %w", name, err)
	}
	return bos.DesiredState{
		BootArtifacts: bos.BootArtifacts{Kernel: image.Kernel.Path, Initrd: image.Initrd.Path, KernelParameters: params},
		Configuration: s.Template.Configuration(set),
	}, nil
}

// KernelParameters joins, in this order, the image's own parameters, the boot
// set's, root= and nmd_data= of the rootfs provider, and how often the node
// shall report.
func KernelParameters(set bos.BootSet, image bos.Image, o bos.Options) (string, error) {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	add(strings.Join(strings.Fields(image.Parameters), " "))
	add(set.KernelParameters)
	root, nmd, err := rootParameters(set, image)
	if err != nil {
		return "", err
	}
	add(root)
	add(nmd)
	add("bos_update_frequency=" + o.ComponentActualStateTTL)
	return strings.Join(parts, " "), nil
}

func rootParameters(set bos.BootSet, image bos.Image) (root, nmd string, err error) {
	schemes := map[string]string{"sbps": "sbps-s3", "cpss3": "craycps-s3"}
	provider, passthrough := set.RootfsProvider, set.RootfsProviderPassthrough
	if provider == "" {
		if passthrough == "" {
			return "", "", nil
		}
		return "root=::" + passthrough, "", nil
	}
	scheme, known := schemes[provider]
	if !known {
		return "", "", fmt.Errorf("rootfs provider %q is not supported; use sbps, or none", provider)
	}
	root = fmt.Sprintf("root=%s:%s:%s", scheme, image.Rootfs.Path, image.Rootfs.ETag)
	if passthrough != "" {
		root += ":" + passthrough
	}
	return root, fmt.Sprintf("nmd_data=url=%s,etag=%s", image.Rootfs.Path, image.Rootfs.ETag), nil
}

// arm writes a session's wish into a component. A staged session only stages it.
func arm(r bos.Record, s bos.Session, desired bos.DesiredState, now time.Time) bos.Record {
	at := bos.At(now)
	r.Error = ""
	if s.Stage {
		r.StagedState = bos.StagedState{
			BootArtifacts: desired.BootArtifacts, Configuration: desired.Configuration, Session: s.Name, LastUpdated: at,
		}
		return r
	}
	desired.LastUpdated = at
	r.DesiredState = desired
	if s.Operation == bos.OperationReboot {
		r.ActualState = bos.ActualState{LastUpdated: at}
	}
	r.Session = s.Name
	r.Enabled = true
	r.LastAction = bos.LastAction{Action: bos.ActionSessionSetup, LastUpdated: at}
	r.EventStats = bos.EventStats{}
	r.Status = bos.ComponentStatus{StatusOverride: bos.StatusOnHold}
	r.Work = bos.Work{InFlight: r.Work.InFlight}
	return r
}
