package access

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what somebody is at this site.
type Role string

// The roles.
const (
	// Reader reads and previews.
	Reader Role = "reader"
	// Operator also runs sessions, changes components, and pauses.
	Operator Role = "operator"
	// Admin also writes templates, options and boot parameters.
	Admin Role = "admin"
	// TenantAdmin runs sessions on the nodes of its tenants.
	TenantAdmin Role = "tenant-admin"
	// WLM is a workload manager: it applies staged state, and creates sessions and follows
	// them. It reads nothing else.
	WLM Role = "wlm"
	// Reporter is a node, or who reports for nodes: what it booted, and nothing else.
	Reporter Role = "reporter"
	// Auditor reads the history, and reading it leaves an event.
	Auditor Role = "auditor"
	// Scraper is a monitoring system: it reads metrics, and nothing else.
	Scraper Role = "scraper"
)

var (
	reads    = of(Know, ReadRecords, ReadSession, CheckTemplates, ReadOptions, ReadEvents, Preview, ReadMetrics)
	operates = reads | of(Report, CreateSessions, CreateV1Sessions, CancelSessions, PauseSessions, ResumeSessions, ChangeSessions, PromoteRollouts, FailRollouts, ApplyStaged, ChangeComponents, PauseSite)
)

// grants is the table of who may do what. How far it reaches is bounded by tenants
// (Caller.Tenant) and, for reporters, by nodes (Caller.MayReport). Nobody has more of
// BOS v1 and v2 than the gateway of CSM gives to the role of that name.
var grants = map[Role]set{
	Reader:      reads,
	Operator:    operates,
	Admin:       operates | of(WriteTemplates, WriteOptions, ReadBootParameters, WriteBootParameters),
	TenantAdmin: of(Know, ReadRecords, ReadSession, ReadEvents, Preview, CreateSessions, CancelSessions, PauseSessions, ResumeSessions, PromoteRollouts, FailRollouts, ApplyStaged),
	WLM:         of(Know, ReadSession, CreateSessions, ApplyStaged),
	Reporter:    of(Know, Report),
	Auditor:     of(Know, ReadEvents),
	Scraper:     of(ReadMetrics),
}

// siteWide are the permissions over what is of no tenant: who is bounded to tenants
// has none of them, whatever the role.
var siteWide = of(WriteOptions, PauseSite, ReadBootParameters, WriteBootParameters, ReadMetrics)

// ParseRole reads a role. The error names those that there are.
func ParseRole(text string) (Role, error) {
	if _, ok := grants[Role(text)]; ok {
		return Role(text), nil
	}
	return "", fmt.Errorf("%q is no role; use one of %s", text, strings.Join(RoleNames(), ", "))
}

// RoleNames lists the roles.
func RoleNames() []string {
	names := make([]string, 0, len(grants))
	for role := range grants {
		names = append(names, string(role))
	}
	slices.Sort(names)
	return names
}

// having names the roles that have a permission, for who lacks it.
func having(p Permission) string {
	var names []string
	for _, name := range RoleNames() {
		if grants[Role(name)].has(p) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
