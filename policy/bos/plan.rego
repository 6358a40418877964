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

# armed are the components that BOS is asked to act on.
armed := [change | some change in changes("bos_component"); change.change.after.enabled]

# staged_by is the session of this workspace that planned exactly these nodes,
# written in one entry as its planned_components.
staged_by(apply) := session if {
	count(apply.change.after.xnames) == 1
	some session in input.resource_changes
	session.type == "bos_session"
	session.change.after.stage
	session.change.after.planned_components == apply.change.after.xnames[0]
}
