# What the rules have in common: what a plan does to nodes. Input is the JSON of
# a plan, "terraform show -json plan".
package bos.plan

# changes are the resources of a type that the plan creates, replaces or changes.
changes(type) := [change |
	some change in input.resource_changes
	change.mode == "managed"
	change.type == type
	some action in change.change.actions
	action in {"create", "update"}
]

# runs are the sessions that the plan runs. One that is only changed in place
# runs nothing.
runs := [change |
	some change in changes("bos_session")
	"create" in change.change.actions
]

# acts are the runs that act at once, instead of staging.
acts := [change | some change in runs; not change.change.after.stage]

applies := [change |
	some change in changes("bos_staged_apply")
	"create" in change.change.actions
]

# armed are the components that BOS is asked to act on, or may be.
armed := [change | some change in changes("bos_component"); arms(change)]

arms(change) if change.change.after.enabled

# An enabled that is given and not known yet may turn out to be true. One that is
# not given is unknown as well, until the component is adopted.
arms(change) if {
	change.change.after_unknown.enabled
	gives_enabled(change)
}

gives_enabled(_) if not input.configuration

# By type and name alone: of two of the same name in different modules, both count.
gives_enabled(change) if {
	walk(input.configuration, [_, resource])
	resource.type == change.type
	resource.name == change.name
	resource.expressions.enabled
}

# invoked are the actions that act on nodes or stage for them: all that are not
# known to leave them alone. An action has no
# planned attributes: nobody can tell its nodes from the plan.
invoked := [action |
	some action in actions
	startswith(action.type, "bos_")
	not action.type in harmless_actions
]

# harmless_actions leave nodes where they stand.
harmless_actions := {"bos_session_cancel"}

actions contains action if some action in input.action_invocations

actions contains deferred.action_invocation if some deferred in input.deferred_action_invocations

# staged_by is the session of this workspace that planned exactly these nodes,
# written in one entry as its planned_nodes.
staged_by(apply) := session if {
	count(apply.change.after.xnames) == 1
	some session in input.resource_changes
	session.type == "bos_session"
	session.change.after.stage
	session.change.after.planned_nodes == apply.change.after.xnames[0]
}
