package decide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Request is a selection: what a session of this template would touch.
type Request struct {
	Template        bos.SessionTemplate
	Operation       bos.Operation
	Limit           string
	Stage           bool
	IncludeDisabled bool
	// Reach is what the session's tenant has, of one without a tenant the whole site.
	// The zero value has no node selected.
	Reach bos.Reach
	// Components are those that BOS has among LimitNames.
	Components []string
	// Held are the nodes on which there is a hold, with its reason. PlannedHolds are
	// those that are put on before the session is created, without a reason lifted.
	Held         map[string]string
	PlannedHolds map[string]string
	// Rollout is how the session shall go through its nodes; nil is all at once.
	Rollout *bos.Rollout
}

// Selection is the nodes a session touches, and those it leaves out. No node
// is in it twice.
type Selection struct {
	// BootSets are in name order; those without nodes are left out.
	BootSets []SelectedSet
	// Roles are the selected nodes by role, in name order.
	Roles []SelectedRole
	// Skipped are in the order of SkipReasons.
	Skipped  []Skip
	Warnings []string
	// leftBy is the boot set by which the reason is theirs, of the nodes of Skipped.
	leftBy map[string]string
}

// SelectedSet is the nodes of one boot set, sorted.
type SelectedSet struct {
	Name  string
	Nodes []string
}

// SelectedRole is the selected nodes of one role, sorted; those without a role
// are under the empty name.
type SelectedRole struct {
	Role  string
	Nodes []string
}

// Skip is the nodes left out for one reason, sorted.
type Skip struct {
	Reason string
	Nodes  []string
}

// The reasons for leaving a node out that the template names: a closed list,
// written so that "skipped: <reason>" reads as a sentence.
const (
	SkipLimit     = "not in the limit"
	SkipPartition = "not in the partition of the template"
	SkipUnknown   = "unknown to the inventory"
	SkipEmpty     = "empty in the inventory"
	SkipOdd       = "the inventory has something of it that cannot be read, or contradicts itself about it; the log says what"
	SkipLocked    = "locked in the inventory"
	SkipReserved  = "reserved in the inventory by a service that works on it"
	SkipBMCHeld   = "its BMC is locked or reserved in the inventory"
	SkipTenant    = "belongs to another tenant or to none"
	SkipArch      = "other architecture than its boot set"
	SkipDisabled  = "disabled in the inventory"
	// SkipHeld is followed by the reason of the hold.
	SkipHeld = "held"
)

// SkipReasons lists the reasons in the order in which they are looked for.
func SkipReasons() []string {
	return []string{SkipLimit, SkipPartition, SkipUnknown, SkipEmpty, SkipOdd, SkipLocked, SkipReserved, SkipBMCHeld, SkipTenant, SkipArch, SkipDisabled, SkipHeld}
}

// Nodes lists all selected nodes, sorted.
func (s Selection) Nodes() []string {
	var all []string
	for _, set := range s.BootSets {
		all = append(all, set.Nodes...)
	}
	slices.SortFunc(all, bos.CompareXnames)
	return all
}

// SeenBy is the selection without the nodes it skipped that are out of reach: a
// tenant is not told of nodes that it does not have.
func (s Selection) SeenBy(reach bos.Reach) Selection {
	if reach.Whole() {
		return s
	}
	var seen []Skip
	for _, skip := range s.Skipped {
		ids := slices.DeleteFunc(slices.Clone(skip.Nodes), func(id string) bool { return !reach.Has(id) })
		if len(ids) > 0 {
			seen = append(seen, Skip{Reason: skip.Reason, Nodes: ids})
		}
	}
	s.Skipped = seen
	return s
}

// Select says which nodes a session touches. Session setup and the preview
// both go by it, so that what is planned is what is done. The error is a
// *bos.Invalid: a limit that cannot be read, a node of another tenant, a node
// in two boot sets.
func Select(req Request, inv bos.Inventory) (Selection, error) {
	limit, err := bos.ParseLimit(req.Limit)
	if err != nil {
		return Selection{}, err
	}
	components := toSet(req.Components)
	if err := limit.Needs(inv, func(id string) bool { return components[id] }); err != nil {
		return Selection{}, err
	}
	s := newSelector(req, inv)
	if err := s.narrow(req.Template.Sequence); err != nil {
		return Selection{}, err
	}
	names := slices.Sorted(maps.Keys(req.Template.BootSets))
	candidates := make(map[string][]string, len(names))
	var all []string
	for _, name := range names {
		if err := s.checkTenant(name, req.Template.BootSets[name]); err != nil {
			return Selection{}, err
		}
		candidates[name] = s.candidates(name, req.Template.BootSets[name])
		all = append(all, candidates[name]...)
	}
	s.limited = toSet(limit.Apply(inv, all))
	s.warnLimit(limit)
	var sel Selection
	for _, name := range names {
		nodes := s.keep(name, candidates[name], req.Template.BootSets[name])
		if err := s.own(name, nodes); err != nil {
			return Selection{}, err
		}
		if len(nodes) > 0 {
			sel.BootSets = append(sel.BootSets, SelectedSet{Name: name, Nodes: nodes})
		}
	}
	sel.Roles = s.byRole(sel.Nodes())
	sel.Skipped = s.skips()
	sel.leftBy = s.leftBy
	sel.Warnings = s.warnings
	return sel, nil
}

// LimitNames are the names of a limit that the inventory does not know and that
// must be known, if not to it then to BOS: who selects looks them up.
func LimitNames(limit string, inv bos.Inventory) []string {
	l, err := bos.ParseLimit(limit)
	if err != nil {
		return nil // Select says what is wrong
	}
	return l.Baseless(inv)
}

type selector struct {
	req     Request
	inv     bos.Inventory
	roles   map[string][]string
	nodes   map[string]bos.Node
	limited map[string]bool
	// partition are the members of the template's, nil if it names none.
	partition map[string]bool
	// owner is the boot set of each selected node.
	owner map[string]string
	// skipped is the index in SkipReasons for each node that a boot set left out.
	skipped map[string]int
	// left are those nodes in the order in which they were left out: that of
	// their names, for each boot set, which spares sorting ten thousand.
	left []string
	// leftBy is the boot set that each of them has its reason from.
	leftBy   map[string]string
	warnings []string
}

func newSelector(req Request, inv bos.Inventory) *selector {
	s := &selector{
		req: req, inv: inv, roles: inv.Roles(),
		nodes:   make(map[string]bos.Node, len(inv.Nodes)),
		owner:   make(map[string]string),
		skipped: make(map[string]int, len(inv.Nodes)), leftBy: make(map[string]string),
	}
	for _, n := range inv.Nodes {
		s.nodes[n.ID] = n
	}
	return s
}

func toSet(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func (s *selector) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// narrow takes in the partition that the template names.
func (s *selector) narrow(sequence *bos.Sequence) error {
	if sequence == nil || sequence.Partition == "" {
		return nil
	}
	members, known := s.inv.Partitions[sequence.Partition]
	if !known {
		return bos.Invalidf("partition", "the template is for partition %q, and the inventory has none of that name; make it in HSM, or write another into the sequence of the template", sequence.Partition)
	}
	s.partition = toSet(members)
	return nil
}

// checkTenant refuses a node list that reaches beyond the tenant, whatever the
// limit: the template itself is wrong. Groups and roles are narrowed instead.
func (s *selector) checkTenant(name string, set bos.BootSet) error {
	var foreign []string
	for _, id := range set.NodeList {
		if id = bos.CanonicalXname(id); !s.req.Reach.Has(id) {
			foreign = append(foreign, id)
		}
	}
	if len(foreign) == 0 {
		return nil
	}
	return bos.Invalidf("boot_sets."+name+".node_list", "names %s, which the session's tenant does not have; take it out of the template, or have it added to the tenant", short(foreign))
}

// candidates is the union of the boot set's selectors, sorted.
func (s *selector) candidates(name string, set bos.BootSet) []string {
	var ids []string
	for _, id := range set.NodeList {
		ids = append(ids, bos.CanonicalXname(id))
	}
	for _, group := range distinct(set.NodeGroups) {
		members, ok := s.inv.Groups[group]
		if !ok {
			s.warn("boot set %q: the inventory has no group %q, so it selects nobody", name, group)
		}
		ids = append(ids, members...)
	}
	for _, role := range distinct(set.NodeRolesGroups) {
		members, ok := s.roles[role]
		if !ok {
			s.warn("boot set %q: the inventory has no node of role %q, so it selects nobody", name, role)
		}
		ids = append(ids, members...)
	}
	slices.SortFunc(ids, bos.CompareXnames)
	return slices.Compact(ids)
}

func distinct(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// warnLimit tells of a limit that says something else than its author thinks.
func (s *selector) warnLimit(limit bos.Limit) {
	if limit.StartsEmpty() {
		s.warn("the limit begins with an & or ! term, which takes away from nothing; begin with all to start from every node of the template")
	}
	if unknown := limit.Unknown(s.inv); len(unknown) > 0 {
		s.warn("the limit names %s, which the inventory has neither as role, partition or group nor as node", short(unknown))
	}
}

// keep drops the candidates that a session of this boot set must not touch.
func (s *selector) keep(name string, candidates []string, set bos.BootSet) []string {
	var kept, foreign []string
	for _, id := range candidates {
		reason, skip := s.skip(id, set)
		if !skip {
			kept = append(kept, id)
			continue
		}
		if SkipReasons()[reason] == SkipArch {
			foreign = append(foreign, id)
		}
		// Where boot sets leave a node out for different reasons, the
		// one that was looked for last is the one to do something about.
		before, again := s.skipped[id]
		if !again {
			s.left = append(s.left, id)
		}
		if !again || reason > before {
			s.skipped[id], s.leftBy[id] = reason, name
		}
	}
	if len(kept) == 0 && len(foreign) > 0 {
		s.warnArch(name, set, foreign)
	}
	return kept
}

// warnArch tells of a boot set that selects nobody as its nodes are of another
// architecture. Where it selects some, the others are those of a boot set beside it.
func (s *selector) warnArch(name string, set bos.BootSet, foreign []string) {
	var archs []string
	for _, id := range foreign {
		archs = append(archs, cmp.Or(s.nodes[id].Arch, "of no known architecture"))
	}
	s.warn("boot set %q is for nodes of architecture %s, and its nodes are %s: %s. So it selects nobody; set its arch to what they are, or have it select others",
		name, cmp.Or(set.Arch, bos.ArchX86), strings.Join(distinct(archs), ", "), short(foreign))
}

// skip says whether and why, as an index in SkipReasons.
func (s *selector) skip(id string, set bos.BootSet) (reason int, skip bool) {
	node, known := s.nodes[id]
	for i, holds := range []bool{
		!s.limited[id],
		s.partition != nil && !s.partition[id],
		!known,
		node.Empty,
		node.Odd,
		node.Locked,
		node.Reserved,
		node.BMCHeld,
		!s.req.Reach.Has(id),
		!sameArch(node.Arch, set.Arch),
		!node.Enabled && !s.req.IncludeDisabled,
		s.held(id),
	} {
		if holds {
			return i, true
		}
	}
	return 0, false
}

func (s *selector) held(id string) bool {
	_, held := s.req.Held[id]
	return held
}

// own refuses nodes that an earlier boot set has already selected.
func (s *selector) own(name string, nodes []string) error {
	var twice []string
	other := ""
	for _, id := range nodes {
		first, taken := s.owner[id]
		if !taken {
			s.owner[id] = name
			continue
		}
		if other == "" {
			other = first
		}
		if first == other {
			twice = append(twice, id)
		}
	}
	if len(twice) == 0 {
		return nil
	}
	return bos.Invalidf("boot_sets", "%s is selected by boot set %q and by boot set %q, but a node boots one image only; take it out of one of them, or leave it out with the limit", short(twice), other, name)
}

func (s *selector) byRole(ids []string) []SelectedRole {
	members := make(map[string][]string)
	for _, id := range ids {
		role := s.nodes[id].Role
		members[role] = append(members[role], id)
	}
	var roles []SelectedRole
	for _, role := range slices.Sorted(maps.Keys(members)) {
		roles = append(roles, SelectedRole{Role: role, Nodes: members[role]})
	}
	return roles
}

// skips groups the nodes that no boot set selected.
func (s *selector) skips() []Skip {
	reasons := SkipReasons()
	groups := make([][]string, len(reasons))
	for _, id := range s.left {
		if _, selected := s.owner[id]; !selected {
			reason := s.skipped[id]
			groups[reason] = append(groups[reason], id)
		}
	}
	var skips []Skip
	for i, ids := range groups {
		if len(ids) > 0 {
			slices.SortFunc(ids, bos.CompareXnames)
			if reasons[i] == SkipHeld {
				skips = append(skips, s.skipsHeld(ids)...)
				continue
			}
			skips = append(skips, Skip{Reason: reasons[i], Nodes: ids})
		}
	}
	return skips
}

// Excluded are the nodes of Skipped by boot set and reason. They are folded, which for a
// session of few nodes among many takes longer than to select them: only who keeps them
// asks.
func (s Selection) Excluded() []bos.Exclusion {
	var all []bos.Exclusion
	for _, skip := range s.Skipped {
		bySet := make(map[string][]string)
		for _, id := range skip.Nodes {
			bySet[s.leftBy[id]] = append(bySet[s.leftBy[id]], id)
		}
		for _, name := range slices.Sorted(maps.Keys(bySet)) {
			all = append(all, bos.Exclusion{BootSet: name, Reason: skip.Reason, Count: len(bySet[name]), Nodes: bos.Fold(bySet[name])})
		}
	}
	return all
}

// skipsHeld groups held nodes by the reasons of their holds.
func (s *selector) skipsHeld(ids []string) []Skip {
	byReason := make(map[string][]string)
	for _, id := range ids {
		byReason[s.req.Held[id]] = append(byReason[s.req.Held[id]], id)
	}
	skips := make([]Skip, 0, len(byReason))
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		skips = append(skips, Skip{Reason: HeldReason(reason), Nodes: byReason[reason]})
	}
	return skips
}

// HeldReason is the reason for leaving a node out that is held.
func HeldReason(reason string) string { return SkipHeld + ": " + reason }

// HeldBy is the holds of records as a Request takes them.
func HeldBy(records []bos.Record) map[string]string {
	held := make(map[string]string)
	for i := range records {
		if records[i].Held.On() {
			held[records[i].ID] = records[i].Held.Reason
		}
	}
	return held
}

// Foresee lays the planned holds over those that there are.
func (r *Request) Foresee() {
	if r.Held == nil {
		r.Held = make(map[string]string, len(r.PlannedHolds))
	}
	for id, reason := range r.PlannedHolds {
		if reason == "" {
			delete(r.Held, id)
		} else {
			r.Held[id] = reason
		}
	}
}

// short writes nodes folded, at a length that an error or warning can bear.
func short(ids []string) string {
	const most = 400
	folded := bos.Fold(ids)
	if len(folded) <= most {
		return folded
	}
	cut := strings.LastIndexByte(folded[:most], ',')
	return fmt.Sprintf("%s... (%d in all)", folded[:max(cut+1, most/2)], len(ids))
}

// sameArch compares without regard to case. A boot set without architecture is
// for X86; a node whose architecture is missing or unknown counts as X86, and
// is also what a boot set for Unknown asks for.
func sameArch(node string, set bos.Arch) bool {
	wanted, has := strings.ToUpper(string(set)), strings.ToUpper(node)
	if wanted == "" {
		wanted = "X86"
	}
	if has == "" || has == "UNKNOWN" {
		return wanted == "X86" || wanted == "UNKNOWN"
	}
	return has == wanted
}
