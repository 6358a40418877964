# At most so many nodes are booted, rebooted or shut down by one plan. The limit
# is data.settings.max_nodes, 64 without it. A plan that cannot say how many
# nodes it touches is denied: a reviewer could not tell either.
package bos.max_nodes

import data.bos.plan

default limit := 64

limit := data.settings.max_nodes

touched[change.address] := change.change.after.planned_count if some change in plan.acts

touched[change.address] := 1 if some change in plan.armed

touched[change.address] := plan.staged_by(change).change.after.planned_count if some change in plan.applies

touched[change.address] := count(change.change.after.xnames) if {
	some change in plan.applies
	not plan.staged_by(change)
	not folded(change.change.after.xnames)
}

counted(change) if is_number(touched[change.address])

folded(names) if {
	some name in names
	regex.match(`[\[,]`, name)
}

deny contains message if {
	total := sum([n | some n in touched; is_number(n)])
	total > limit
	message := sprintf("the plan touches %d nodes and at most %d are allowed; narrow it with limit, or raise max_nodes", [total, limit])
}

deny contains message if {
	some change in array.concat(plan.acts, plan.applies)
	not counted(change)
	message := sprintf("%s: the plan does not say how many nodes it touches; plan against a BOS with previews, or name the nodes", [change.address])
}

deny contains message if {
	some action in plan.invoked
	message := sprintf("%s: the plan of an action does not say how many nodes it touches; use a bos_session or bos_staged_apply in its place", [action.address])
}
