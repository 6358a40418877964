package bos

import "time"

// PreviewRequest asks which nodes a session would touch. Exactly one of
// TemplateName and Template is needed; with both, Template is used and
// TemplateName is its name.
type PreviewRequest struct {
	TemplateName    string           `json:"template_name,omitempty"`
	Template        *SessionTemplate `json:"template,omitempty"`
	Operation       Operation        `json:"operation"`
	Limit           string           `json:"limit,omitempty"`
	Stage           bool             `json:"stage,omitempty"`
	IncludeDisabled bool             `json:"include_disabled,omitempty"`
	// Holds are the holds that are going to be put on before the session is
	// created, by component with the reason; without one, a hold that is lifted.
	Holds map[string]string `json:"holds,omitempty"`
	// Reuse answers with the newest unexpired receipt for the same inputs,
	// if there is one, instead of looking again: what was reviewed is what
	// an apply goes by.
	Reuse bool `json:"reuse,omitempty"`
	// Receipt answers with the preview of this number, if it is kept: the very
	// one that was reviewed.
	Receipt string `json:"receipt,omitempty"`
	// RunKey and Guards are those that the session would be created with. They
	// change nothing but Busy and Refused.
	RunKey string  `json:"run_key,omitempty"`
	Guards *Guards `json:"guards,omitempty"`
	// Rollout is that of the session.
	Rollout *Rollout `json:"rollout,omitempty"`
	// Overlap and Replaces are those of the session: they change nothing but Busy,
	// Refused and WaitsFor.
	Overlap  Overlap  `json:"overlap,omitempty"`
	Replaces []string `json:"replaces,omitempty"`
}

// Preview is what a session would do, as the service knows it now.
type Preview struct {
	// Pin stands for the selected nodes and their roles, all that they boot and
	// the operation: equal pins mean an equal plan. Give it to POST /x/v1/sessions.
	Pin       string    `json:"pin"`
	Operation Operation `json:"operation"`
	// Batches are those of the rollout, by name; none without one.
	Batches []RolloutBatch `json:"batches,omitempty"`
	// Count and Nodes are the selected nodes, folded
	// (x3000c0s[1-4]b0n0) and ready to be used as a limit.
	Count    int              `json:"count"`
	Nodes    string           `json:"nodes"`
	BootSets []PreviewBootSet `json:"boot_sets"`
	// Roles splits the selected nodes by their role in the inventory, in name
	// order; what must never be rebooted is mostly said by role.
	Roles []PreviewRole `json:"roles"`
	// Skipped groups the nodes that the template names and the session
	// leaves out, by reason.
	Skipped []PreviewSkip `json:"skipped"`
	// Effects says what the session would do to each node as things stand
	// now, by effect and reason. Unlike all above it depends on the power
	// and the last reports of the nodes, so it changes from one moment to
	// the next and is not part of the pin.
	Effects []PreviewEffect `json:"effects"`
	// Warnings are for people: unknown groups, etag differences and such.
	Warnings []string `json:"warnings"`
	// Replaces are the sessions that the session stands in for: it takes the nodes from
	// them on which they are at work, whatever becomes of other sessions' nodes.
	Replaces []string `json:"replaces,omitempty"`
	// Created and Expires bound the receipt kept for Reuse.
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Receipt is the number of this preview; a session that is created with it
	// carries it out, which is done once. Session is the one that did, empty if
	// none did yet.
	Receipt string `json:"receipt"`
	Session string `json:"session,omitempty"`
	// Busy are the nodes on which other sessions are at work, as things stand
	// now: a session that is created takes them from those.
	Busy []PreviewBusy `json:"busy"`
	// Ran is the last session of the same configuration with the same pin that is
	// over; nil if there is none.
	Ran *PreviewRan `json:"ran,omitempty"`
	// Refused says why a session with the guards of the request would be
	// refused.
	Refused []string `json:"refused,omitempty"`
	// WaitsFor says for which sessions one that queues would wait, as things stand now.
	WaitsFor []string `json:"waits_for,omitempty"`
}

// PreviewRan is a session that did what a preview is asked about.
type PreviewRan struct {
	Session  string `json:"session"`
	Accepted Time   `json:"accepted"`
	By       string `json:"by,omitempty"`
}

// GoesOnWith is the session in flight that a preview is carried out by, for the same
// configuration asked for it; empty if a new one would be.
func (p Preview) GoesOnWith() string {
	for _, b := range p.Busy {
		if b.Same {
			return b.Session
		}
	}
	return ""
}

// PreviewBootSet is the part of one boot set.
type PreviewBootSet struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	Nodes string `json:"nodes"`
	// ImagePath and ImageETag name the image; empty for a shutdown.
	ImagePath string `json:"image_path,omitempty"`
	ImageETag string `json:"image_etag,omitempty"`
	// KernelParameters are all that a session would write: the image's own, the
	// boot set's, and what options and the root file system add. Of a boot set
	// whose setup would fail they are "none: " and why.
	KernelParameters string `json:"kernel_parameters,omitempty"`
	Configuration    string `json:"configuration,omitempty"`
	Arch             Arch   `json:"arch,omitempty"`
}

// PreviewRole is the selected nodes of one role; nodes without one are under
// the empty name.
type PreviewRole struct {
	Role  string `json:"role"`
	Count int    `json:"count"`
	Nodes string `json:"nodes"`
}

// PreviewSkip is the nodes left out for one reason.
type PreviewSkip struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Nodes  string `json:"nodes"`
}

// PreviewEffect is the nodes that a session would treat alike, for one reason.
type PreviewEffect struct {
	Effect NodeEffect `json:"effect"`
	// Reason reads as the end of a sentence: "reboots: it runs another image".
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Nodes  string `json:"nodes"`
}

// NodeEffect is what a session would do to a node: a closed list.
type NodeEffect string

// The effects on nodes.
const (
	NodeBoots NodeEffect = "boots"
	// NodeReboots: it is running and will be powered off first.
	NodeReboots NodeEffect = "reboots"
	// NodeMayReboot: its power is not known here; it boots if it is off and
	// reboots if it is on.
	NodeMayReboot NodeEffect = "boots_or_reboots"
	// NodeAlreadyThere: it runs what it shall run; its power is left alone.
	NodeAlreadyThere NodeEffect = "already_there"
	NodePowersOff    NodeEffect = "powers_off"
	NodeStaysOff     NodeEffect = "stays_off"
	// NodeConfigures: it runs and its configuration is applied; no power is touched.
	NodeConfigures NodeEffect = "configures"
	// NodeStages: nothing happens before the staged state is applied.
	NodeStages NodeEffect = "stages"
	// NodeFails: the session's setup would fail, and no node be touched.
	NodeFails NodeEffect = "fails"
	// NodeSkipped: the session leaves it out.
	NodeSkipped NodeEffect = "skipped"
)

// NodeEffects lists the effects, those that touch power first.
func NodeEffects() []NodeEffect {
	return []NodeEffect{NodeReboots, NodeMayReboot, NodeBoots, NodePowersOff, NodeConfigures, NodeStages, NodeAlreadyThere, NodeStaysOff, NodeFails, NodeSkipped}
}

// PreviewNode is one node of a preview.
type PreviewNode struct {
	ID string `json:"id"`
	// BootSet is empty for a node that no boot set selects.
	BootSet string     `json:"boot_set,omitempty"`
	Effect  NodeEffect `json:"effect"`
	Reason  string     `json:"reason"`
}

// PreviewNodes is one page of GET /x/v1/previews/{pin}/nodes.
type PreviewNodes struct {
	Nodes []PreviewNode `json:"nodes"`
	// Next is the id to give as start_after_id, empty on the last page.
	Next string `json:"next,omitempty"`
}

// PinnedSession is the body of POST /x/v1/sessions: a session create with the
// pin of the preview it was reviewed by. An empty pin is not compared.
type PinnedSession struct {
	SessionCreate
	Pin string `json:"pin,omitempty"`
	// Reason is for the history: why somebody asked for this session.
	Reason string `json:"reason,omitempty"`
	// Receipt is the preview that this carries out; one that was carried out is
	// answered with the session that did.
	Receipt string `json:"receipt,omitempty"`
	// RunKey stands for the configuration that asks: while a session is in flight,
	// the same one with the same pin is answered with it.
	RunKey string `json:"run_key,omitempty"`
	// Guards are bounds that the session is refused for going beyond.
	Guards *Guards `json:"guards,omitempty"`
	// RetryOf is the session whose failed nodes are tried again; Limit, and what else is
	// left out, is then that session's.
	RetryOf string `json:"retry_of,omitempty"`
	// Rollout bounds how the session goes through its nodes.
	Rollout *Rollout `json:"rollout,omitempty"`
	// Overlap is what becomes of nodes that another session is at work on, and Replaces
	// are the sessions that this one may take them from in any case. A session that is
	// created by a preview has also those that the preview was asked with.
	Overlap  Overlap  `json:"overlap,omitempty"`
	Replaces []string `json:"replaces,omitempty"`
	// StagedBoot has the boot service given what is staged, so that a reboot from outside
	// boots it.
	StagedBoot bool `json:"write_staged_boot_parameters,omitempty"`
}

// Receipt is a preview as the service keeps it.
type Receipt struct {
	// Key is a hash of the request's inputs, with the template's content.
	Key string
	// Tenant is who asked, empty for nobody in particular.
	Tenant string
	// RunKey is that of the request.
	RunKey  string
	Preview Preview
}

// NodeOutcome is what became of one node of a session.
type NodeOutcome struct {
	ID string `json:"id"`
	// BootSet is that by which the session has it, empty if that is not known.
	BootSet string `json:"boot_set,omitempty"`
	// Status is the component's status word, or StatusStaged. Of a node that the
	// session has no more it is what it was when the session was done with it,
	// or why it never was.
	Status string `json:"status"`
	Phase  Phase  `json:"phase"`
	// At is the phase in which it was when the session was done with it, or lost it.
	At    Phase  `json:"-"`
	Error string `json:"error"`
	Cause Cause  `json:"cause,omitempty"`
	// Sentence says what the cause means, for people.
	Sentence string `json:"sentence,omitempty"`
	// Since is when the status of its component changed last; Began is when the session
	// first sent something for it, Finished when it was done with it, or lost it.
	Since    Time `json:"since,omitzero"`
	Began    Time `json:"began,omitzero"`
	Finished Time `json:"finished,omitzero"`
	// Wait is why nothing is done to it now.
	Wait *NodeWait `json:"wait,omitempty"`
}

// NodeWait is why a node waits.
type NodeWait struct {
	Reason WaitReason `json:"reason"`
	// Sentence says what it means and what ends it, for people.
	Sentence string `json:"sentence"`
}

// NodeOutcomes is one page of GET /x/v1/sessions/{name}/components.
type NodeOutcomes struct {
	Components []NodeOutcome `json:"components"`
	// Next is the id to give as start_after_id, empty on the last page.
	Next string `json:"next,omitempty"`
}

// Capabilities is GET /x/v1/capabilities: the extensions this server has.
type Capabilities struct {
	Service    string   `json:"service"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
	// Pause is that of the site.
	Pause PauseState `json:"pause"`
	// PublicURL is the address under which people reach the service and its page; empty
	// where nobody said one.
	PublicURL string `json:"public_url,omitempty"`
}

// The extensions a server can announce.
const (
	ExtensionPreviews       = "previews"
	ExtensionPinnedSessions = "pinned_sessions"
	ExtensionOutcomes       = "session_components"
	ExtensionFoldedLimits   = "folded_limits"
	ExtensionCancel         = "cancel_sessions"
	ExtensionEvents         = "events"
	ExtensionPause          = "pause"
	ExtensionHolds          = "holds"
	ExtensionReboot         = "reboot"
	// ExtensionReceipts: previews have numbers and say which nodes are busy, and a
	// preview is carried out once.
	ExtensionReceipts = "receipts"
	// ExtensionBoundStaged: staged state is applied of one session and within
	// bounds.
	ExtensionBoundStaged = "bound_applystaged"
	// ExtensionStagedReceipts: staged state is applied once by one receipt.
	ExtensionStagedReceipts = "staged_receipts"
	// ExtensionGuards: previews and sessions take bounds.
	ExtensionGuards = "guards"
	// ExtensionConfigure: sessions and previews take the operation configure.
	ExtensionConfigure = "configure"
	// ExtensionSteps: sessions say how far their nodes are, by boot set and step, and
	// one session retries what failed in another.
	ExtensionSteps  = "session_steps"
	ExtensionImages = "images"
	ExtensionNodes  = "nodes"
	// ExtensionRollouts: sessions and previews take a rollout.
	ExtensionRollouts = "rollouts"
	// ExtensionOverlap: sessions and previews take overlap and replaces.
	ExtensionOverlap = "overlap"
	// ExtensionStream: how far nodes and sessions are is shown live, with a page.
	ExtensionStream = "stream"
	// ExtensionSequences: templates have a partition and an order of boot sets.
	ExtensionSequences = "sequences"
)
