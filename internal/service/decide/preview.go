package decide

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// MakePreview is what a session of this selection would do. It expires after
// ttl.
func MakePreview(req Request, sel Selection, images map[string]bos.Image, now time.Time, ttl time.Duration) bos.Preview {
	nodes := sel.Nodes()
	p := bos.Preview{
		Operation: req.Operation,
		Count:     len(nodes),
		Nodes:     bos.Fold(nodes),
		BootSets:  []bos.PreviewBootSet{},
		Skipped:   []bos.PreviewSkip{},
		Warnings:  slices.Concat([]string{}, sel.Warnings),
		Created:   now,
		Expires:   now.Add(ttl),
	}
	for _, set := range sel.BootSets {
		shown := bos.PreviewBootSet{Name: set.Name, Count: len(set.Nodes), Nodes: bos.Fold(set.Nodes)}
		if req.Operation != bos.OperationShutdown {
			spec := req.Template.BootSets[set.Name]
			image := images[spec.Path]
			shown.ImagePath, shown.ImageETag = spec.Path, image.ETag
			if spec.ETag != "" && image.ETag != "" && spec.ETag != image.ETag {
				p.Warnings = append(p.Warnings, etagWarning(set.Name, spec, image))
			}
		}
		p.BootSets = append(p.BootSets, shown)
	}
	for _, skip := range sel.Skipped {
		p.Skipped = append(p.Skipped, bos.PreviewSkip{Reason: skip.Reason, Count: len(skip.Nodes), Nodes: bos.Fold(skip.Nodes)})
	}
	p.Pin = pin(req, p, images)
	return p
}

func etagWarning(set string, spec bos.BootSet, image bos.Image) string {
	return fmt.Sprintf("boot set %q: the image at %s has etag %s, the template says %s", set, spec.Path, image.ETag, spec.ETag)
}

// pin is a hash of what a reviewer agrees to: operation, nodes and images.
func pin(req Request, p bos.Preview, images map[string]bos.Image) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s stage=%t\n", req.Operation, req.Stage)
	for _, set := range p.BootSets {
		fmt.Fprintf(&b, "%q %s %q %q\n", set.Name, set.Nodes, set.ImagePath, set.ImageETag)
		if set.ImagePath != "" {
			image := images[set.ImagePath]
			fmt.Fprintf(&b, "%q %q %q\n", image.Kernel, image.Initrd, image.Rootfs)
		}
	}
	return hash(b.String())
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// ReceiptKey stands for the inputs of a preview: equal keys are the same
// question, however the template was given.
func ReceiptKey(req Request, tenant string) string {
	template, err := json.Marshal(req.Template)
	if err != nil {
		template = fmt.Appendf(nil, "%+v", req.Template)
	}
	return hash(fmt.Sprintf("%q %q %q %t %t %s", tenant, req.Operation, req.Limit, req.Stage, req.IncludeDisabled, template))
}

// PreviewDiff says in words what changed between the plan and now; empty if
// nothing a reviewer agreed to did.
func PreviewDiff(planned, current bos.Preview) string {
	if planned.Pin == current.Pin {
		return ""
	}
	var parts []string
	before, err1 := bos.Expand(planned.Nodes, bos.MaxExpand)
	after, err2 := bos.Expand(current.Nodes, bos.MaxExpand)
	if err1 == nil && err2 == nil {
		if added := minus(after, before); len(added) > 0 {
			parts = append(parts, fmt.Sprintf("%d more: %s", len(added), bos.Fold(added)))
		}
		if gone := minus(before, after); len(gone) > 0 {
			parts = append(parts, fmt.Sprintf("%d fewer: %s", len(gone), bos.Fold(gone)))
		}
	}
	parts = append(parts, setDiff(planned, current)...)
	if len(parts) == 0 {
		parts = append(parts, "the kernel, initrd or rootfs of an image, or the boot set of a node")
	}
	return fmt.Sprintf("planned %d nodes, now %d; changed: %s", planned.Count, current.Count, strings.Join(parts, "; "))
}

func setDiff(planned, current bos.Preview) []string {
	var parts []string
	if planned.Operation != current.Operation {
		parts = append(parts, fmt.Sprintf("operation %s instead of %s", current.Operation, planned.Operation))
	}
	old := make(map[string]bos.PreviewBootSet)
	for _, set := range planned.BootSets {
		old[set.Name] = set
	}
	for _, set := range current.BootSets {
		was, ok := old[set.Name]
		if ok && (was.ImageETag != set.ImageETag || was.ImagePath != set.ImagePath) {
			parts = append(parts, fmt.Sprintf("boot set %q: image %s (etag %s) instead of %s (etag %s)", set.Name, set.ImagePath, set.ImageETag, was.ImagePath, was.ImageETag))
		}
	}
	return parts
}

func minus(a, b []string) []string {
	in := make(map[string]bool, len(b))
	for _, id := range b {
		in[id] = true
	}
	var rest []string
	for _, id := range a {
		if !in[id] {
			rest = append(rest, id)
		}
	}
	return rest
}
