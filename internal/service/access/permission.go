package access

// Permission is what a request needs. Every route has one; the zero value is
// none, and nobody has it, so that a route without one is closed to everybody.
type Permission int

// The permissions, from those that change nothing to those that change what
// everybody's nodes boot.
const (
	noPermission Permission = iota
	// Public is everybody's, without any proof: whether the service is well.
	Public
	// Know is to be somebody: the versions of the API and its document.
	Know
	// ReadRecords is to read components, sessions, templates and what goes with
	// them. ReadSession is to follow a session that one knows by name.
	ReadRecords
	ReadSession
	// CheckTemplates is to have a stored template examined, which asks upstreams.
	CheckTemplates
	// ReadOptions is to read the options of the site.
	ReadOptions
	// ReadEvents is to read the history.
	ReadEvents
	// Preview is to ask what a session would do.
	Preview
	// Report is to write the actual state of one's own component. Whoever may
	// ChangeComponents may report for all.
	Report
	// CreateSessions is to create sessions, CreateV1Sessions to do so by the API of BOS v1,
	// which knows no tenants.
	CreateSessions
	CreateV1Sessions
	// CancelSessions, PauseSessions and ResumeSessions are the verbs of sessions, each for
	// itself: to resume is to let go on what somebody or a failed canary has stopped.
	// ChangeSessions is to delete and write their records.
	CancelSessions
	PauseSessions
	ResumeSessions
	ChangeSessions
	// PromoteRollouts is to let the rest of the nodes follow a canary, FailRollouts to end
	// a rollout for the nodes whose turn has not come.
	PromoteRollouts
	FailRollouts
	// ApplyStaged is to apply the staged state of components.
	ApplyStaged
	// ChangeComponents is to write and delete components, and to hold them.
	ChangeComponents
	// PauseSite is to pause and resume everything.
	PauseSite
	// WriteTemplates is to write and delete session templates.
	WriteTemplates
	// WriteOptions is to change the options of the site.
	WriteOptions
	// ReadBootParameters and WriteBootParameters are about what hosts boot, below
	// the components.
	ReadBootParameters
	WriteBootParameters
	// ReadMetrics is to read what the service counts, of the whole site.
	ReadMetrics
	permissions // how many there are, with none
)

// Name is the permission as the description of the API names it.
func (p Permission) Name() string { return p.text()[0] }

// String says what the permission allows, as it follows "may not".
func (p Permission) String() string { return p.text()[1] }

func (p Permission) text() [2]string {
	if p <= noPermission || p >= permissions {
		return [2]string{"none", "do this"}
	}
	return permissionTexts[p]
}

// permissionTexts are the name of each permission, and what it allows.
var permissionTexts = [permissions][2]string{
	Public:              {"public", "ask whether this service is well"},
	Know:                {"know", "ask what this service offers"},
	ReadRecords:         {"read_records", "read components, sessions and templates"},
	ReadSession:         {"read_session", "follow a session"},
	CheckTemplates:      {"check_templates", "have session templates examined"},
	ReadOptions:         {"read_options", "read options"},
	ReadEvents:          {"read_events", "read the history"},
	Preview:             {"preview", "preview sessions"},
	Report:              {"report", "report what a node booted"},
	CreateSessions:      {"create_sessions", "create sessions"},
	CreateV1Sessions:    {"create_v1_sessions", "create sessions of BOS v1"},
	CancelSessions:      {"cancel_sessions", "cancel sessions"},
	PauseSessions:       {"pause_sessions", "pause sessions"},
	ResumeSessions:      {"resume_sessions", "resume sessions"},
	ChangeSessions:      {"change_sessions", "delete or write the records of sessions"},
	PromoteRollouts:     {"promote_rollouts", "promote rollouts"},
	FailRollouts:        {"fail_rollouts", "end rollouts as failed"},
	ApplyStaged:         {"apply_staged", "apply staged state"},
	ChangeComponents:    {"change_components", "change or hold components"},
	PauseSite:           {"pause_site", "pause or resume the site"},
	WriteTemplates:      {"write_templates", "change session templates"},
	WriteOptions:        {"write_options", "change options"},
	ReadBootParameters:  {"read_boot_parameters", "read boot parameters"},
	ReadMetrics:         {"read_metrics", "read metrics"},
	WriteBootParameters: {"write_boot_parameters", "change boot parameters"},
}

// set is a set of permissions.
type set uint32

func of(list ...Permission) (s set) {
	for _, p := range list {
		s |= 1 << p
	}
	return s
}

func (s set) has(p Permission) bool { return p > noPermission && p < permissions && s&(1<<p) != 0 }
