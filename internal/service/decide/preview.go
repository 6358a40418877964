package decide

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// MakePreview is what a session of this selection would do; images are by
// path. It expires after ttl. Its warnings are those of the selection: what is
// wrong with images is for the caller to add.
func MakePreview(req Request, sel Selection, images map[string]bos.Image, o bos.Options, now time.Time, ttl time.Duration) bos.Preview {
	nodes := sel.Nodes()
	p := bos.Preview{
		Operation: req.Operation,
		Count:     len(nodes),
		Nodes:     bos.Fold(nodes),
		BootSets:  []bos.PreviewBootSet{},
		Roles:     []bos.PreviewRole{},
		Skipped:   []bos.PreviewSkip{},
		Effects:   []bos.PreviewEffect{},
		Warnings:  append([]string{}, sel.Warnings...),
		Busy:      []bos.PreviewBusy{},
		Created:   now,
		Expires:   now.Add(ttl),
	}
	for _, set := range sel.BootSets {
		preview := bos.PreviewBootSet{Name: set.Name, Count: len(set.Nodes), Nodes: bos.Fold(set.Nodes)}
		if req.Operation.NeedsImage() {
			spec := req.Template.BootSets[set.Name]
			preview.ImagePath, preview.ImageETag = spec.Path, images[spec.Path].ETag
			preview.Arch, preview.Configuration = archOf(spec), req.Template.Configuration(spec)
			preview.KernelParameters = effective(req, set.Name, images, o)
		}
		p.BootSets = append(p.BootSets, preview)
	}
	p.Roles = append(p.Roles, previewRoles(sel)...)
	for _, skip := range sel.Skipped {
		p.Skipped = append(p.Skipped, bos.PreviewSkip{Reason: skip.Reason, Count: len(skip.Nodes), Nodes: bos.Fold(skip.Nodes)})
	}
	p.Pin = pin(req, sel, images, p.BootSets)
	return p
}

// previewRoles are the selected nodes of each role, as previews show them.
func previewRoles(sel Selection) []bos.PreviewRole {
	roles := make([]bos.PreviewRole, 0, len(sel.Roles))
	for _, role := range sel.Roles {
		roles = append(roles, bos.PreviewRole{Role: role.Role, Count: len(role.Nodes), Nodes: bos.Fold(role.Nodes)})
	}
	return roles
}

// effective is what setup would write as kernel parameters, with all that is
// added to those of the boot set; of a boot set that setup refuses it is why.
func effective(req Request, name string, images map[string]bos.Image, o bos.Options) string {
	session := bos.SessionRecord{Session: bos.Session{Operation: req.Operation}, Template: req.Template}
	desired, err := desiredState(session, name, req.Template.BootSets[name], images, o)
	if err != nil {
		return "none: " + err.Error()
	}
	return desired.BootArtifacts.KernelParameters
}

func archOf(set bos.BootSet) bos.Arch {
	if set.Arch == "" {
		return bos.ArchX86
	}
	return set.Arch
}

// pin is a hash of what a reviewer agrees to: operation, nodes and their roles,
// and what they boot, as setup would write it, options included.
// Everything in it is quoted or ends its line, so that no two plans read alike.
func pin(req Request, sel Selection, images map[string]bos.Image, sets []bos.PreviewBootSet) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %t\n", req.Operation, req.Stage)
	for i, set := range sel.BootSets {
		fmt.Fprintf(h, "set %q\n", set.Name)
		for _, id := range set.Nodes {
			fmt.Fprintf(h, "node %q\n", id)
		}
		if !req.Operation.NeedsImage() {
			continue
		}
		spec, preview := req.Template.BootSets[set.Name], sets[i]
		image := images[spec.Path]
		fmt.Fprintf(h, "boot %q %q %q %q %q\n", preview.KernelParameters, preview.Configuration, preview.Arch, spec.RootfsProvider, spec.RootfsProviderPassthrough)
		fmt.Fprintf(h, "image %q %q\n", spec.Path, image.ETag)
		for _, file := range []bos.Artifact{image.Kernel, image.Initrd, image.Rootfs} {
			fmt.Fprintf(h, "file %q %q\n", file.Path, file.ETag)
		}
	}
	for _, role := range sel.Roles {
		fmt.Fprintf(h, "role %q\n", role.Role)
		for _, id := range role.Nodes {
			fmt.Fprintf(h, "node %q\n", id)
		}
	}
	h.Write(rolloutText(req))
	return hexHash(h.Sum(nil))
}

func hexHash(sum []byte) string { return hex.EncodeToString(sum[:16]) }

// ReceiptKey stands for the inputs of a preview: equal keys are the same
// question, whether the template was given by name or in the request, and
// whether it spells defaults out or not.
func ReceiptKey(req Request, tenant string) string {
	template := req.Template
	template.Tenant = nil
	bos.SanitizeTemplate(&template)
	if template.EnableCFS == nil {
		enabled := true
		template.EnableCFS = &enabled
	}
	content, err := json.Marshal(template)
	if err != nil {
		// Strings, booleans and maps of them always marshal.
		content = []byte(err.Error())
	}
	question := fmt.Appendf(nil, "%q %q %q %t %t %s", tenant, req.Operation, req.Limit, req.Stage, req.IncludeDisabled, content)
	for _, id := range slices.Sorted(maps.Keys(req.PlannedHolds)) {
		question = fmt.Appendf(question, " %q %q", id, req.PlannedHolds[id])
	}
	question = append(question, rolloutText(req)...)
	sum := sha256.Sum256(question)
	return hexHash(sum[:])
}

// PreviewDiff says in words what changed between the plan and now, with nodes
// folded; it is empty if nothing did that a reviewer agreed to.
func PreviewDiff(planned, current bos.Preview) string {
	if planned.Pin == current.Pin {
		return ""
	}
	var parts []string
	if planned.Operation != current.Operation {
		parts = append(parts, fmt.Sprintf("the operation is %s instead of %s", current.Operation, planned.Operation))
	}
	if planned.Count != current.Count {
		parts = append(parts, fmt.Sprintf("%d nodes instead of %d", current.Count, planned.Count))
	}
	parts = append(parts, nodeDiff(placed(planned), placed(current))...)
	parts = append(parts, roleDiff(planned, current)...)
	parts = append(parts, imageDiff(planned, current)...)
	parts = append(parts, batchDiff(planned, current)...)
	if len(parts) == 0 {
		parts = append(parts, "the nodes and what they boot are the same, but a file of the image or a limit of the rollout is another, or the session is staged and was not before, or the other way round")
	}
	return strings.Join(parts, "; ")
}

// roleDiff tells of nodes that are selected now as before and have another role:
// one that became Management is not what was reviewed.
func roleDiff(planned, current bos.Preview) []string {
	before, after := rolesOf(planned), rolesOf(current)
	changed := make(map[[2]string][]string)
	for id, role := range after {
		if was, ok := before[id]; ok && was != role {
			changed[[2]string{was, role}] = append(changed[[2]string{was, role}], id)
		}
	}
	var parts []string
	for key, ids := range changed {
		parts = append(parts, fmt.Sprintf("of role %s instead of %s: %s", orNone(key[1]), orNone(key[0]), bos.Fold(ids)))
	}
	slices.Sort(parts)
	return parts
}

func rolesOf(p bos.Preview) map[string]string {
	roles := make(map[string]string, p.Count)
	for _, role := range p.Roles {
		ids, _ := bos.Expand(role.Nodes, bos.MaxExpand) // a preview's own folding expands
		for _, id := range ids {
			roles[id] = role.Role
		}
	}
	return roles
}

// placed maps the nodes of a preview to their boot sets.
func placed(p bos.Preview) map[string]string {
	where := make(map[string]string, p.Count)
	for _, set := range p.BootSets {
		// A preview's own folding expands; of one that does not, the
		// names before the fault are not worth more than none.
		ids, _ := bos.Expand(set.Nodes, bos.MaxExpand)
		for _, id := range ids {
			where[id] = set.Name
		}
	}
	return where
}

func nodeDiff(before, after map[string]string) []string {
	var added, removed, moved []string
	for id, set := range after {
		if was, ok := before[id]; !ok {
			added = append(added, id)
		} else if was != set {
			moved = append(moved, id)
		}
	}
	for id := range before {
		if _, ok := after[id]; !ok {
			removed = append(removed, id)
		}
	}
	var parts []string
	for _, change := range []struct {
		word string
		ids  []string
	}{{"added", added}, {"removed", removed}, {"in another boot set", moved}} {
		if len(change.ids) > 0 {
			parts = append(parts, change.word+": "+bos.Fold(change.ids))
		}
	}
	return parts
}

func imageDiff(planned, current bos.Preview) []string {
	before := make(map[string]bos.PreviewBootSet)
	for _, set := range planned.BootSets {
		before[set.Name] = set
	}
	after := make(map[string]bos.PreviewBootSet)
	for _, set := range current.BootSets {
		after[set.Name] = set
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, ok := before[name]
		is := after[name]
		switch {
		case !ok:
			parts = append(parts, fmt.Sprintf("boot set %q has nodes and had none", name))
		case was.ImagePath != is.ImagePath:
			parts = append(parts, fmt.Sprintf("boot set %q boots the image at %s instead of %s", name, orNone(is.ImagePath), orNone(was.ImagePath)))
		case was.ImageETag != is.ImageETag:
			parts = append(parts, fmt.Sprintf("boot set %q: the image at %s has etag %s instead of %s", name, is.ImagePath, orNone(is.ImageETag), orNone(was.ImageETag)))
		}
		if ok {
			parts = append(parts, bootDiff(was, is)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			parts = append(parts, fmt.Sprintf("boot set %q has no nodes any more", name))
		}
	}
	return parts
}

// bootDiff names what else of a boot is another.
func bootDiff(was, is bos.PreviewBootSet) []string {
	var parts []string
	if was.KernelParameters != is.KernelParameters {
		gone, came := wordDiff(was.KernelParameters, is.KernelParameters)
		text := fmt.Sprintf("boot set %q: the kernel parameters have %s instead of %s", is.Name, orNone(came), orNone(gone))
		if gone == came {
			text = fmt.Sprintf("boot set %q: the kernel parameters are in another order or spacing", is.Name)
		}
		parts = append(parts, text)
	}
	if was.Configuration != is.Configuration {
		parts = append(parts, fmt.Sprintf("boot set %q: the configuration is %s instead of %s", is.Name, orNone(is.Configuration), orNone(was.Configuration)))
	}
	if was.Arch != is.Arch {
		parts = append(parts, fmt.Sprintf("boot set %q: the architecture is %s instead of %s", is.Name, orNone(string(is.Arch)), orNone(string(was.Arch))))
	}
	return parts
}

// wordDiff is the words that only one of two texts has.
func wordDiff(before, after string) (gone, came string) {
	only := func(of, other string) string {
		count := make(map[string]int)
		for _, word := range strings.Fields(other) {
			count[word]++
		}
		var words []string
		for _, word := range strings.Fields(of) {
			if count[word]--; count[word] < 0 {
				words = append(words, word)
			}
		}
		text := strings.Join(words, " ")
		const most = 400
		if len(text) > most {
			text = strings.ToValidUTF8(text[:most], "") + "..."
		}
		return text
	}
	return only(before, after), only(after, before)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
