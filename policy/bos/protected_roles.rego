# Nodes of some roles are never booted, rebooted or shut down through Terraform.
# The roles are data.settings.protected_roles, ["Management"] without it. What
# cannot be told from the plan is denied.
package bos.protected_roles

import data.bos.plan

default protected := ["Management"]

protected := data.settings.protected_roles

told(change) if is_object(change.change.after.planned_roles)

# Sessions that stage count: nobody looks at roles when staged state is applied.
deny contains message if {
	some change in plan.runs
	some role in protected
	nodes := change.change.after.planned_roles[role]
	message := sprintf("%s: would %s nodes of role %s (%s); take them out of the template, or out of the session with limit", [change.address, change.change.after.operation, role, nodes])
}

deny contains message if {
	some change in plan.runs
	not told(change)
	message := sprintf("%s: the plan does not say which roles its nodes have; plan against a BOS with previews", [change.address])
}

deny contains message if {
	some change in plan.applies
	not plan.staged_by(change)
	message := sprintf("%s: applies what was staged outside of this workspace, so the roles of its nodes are not known; give xnames as [bos_session.x.planned_nodes]", [change.address])
}

# Components are managed one by one and their plan knows no role.
deny contains message if {
	some change in plan.armed
	not data.settings.allow_components
	message := sprintf("%s: the role of a single component is not in the plan; set allow_components if single components may be booted here", [change.address])
}

deny contains message if {
	some action in plan.invoked
	message := sprintf("%s: the plan of an action does not say which roles its nodes have; use a bos_session or bos_staged_apply in its place", [action.address])
}
