# A session on more than so many nodes goes through them in batches, the first of
# which has no more than that: nothing reaches more nodes before it was seen on some.
# The number is data.settings.rollout_above, 64 without it.
package bos.rollout

import data.bos.max_nodes
import data.bos.plan

default above := 64

above := data.settings.rollout_above

large contains change if {
	some change in plan.acts
	change.change.after.planned_count > above
}

counted(change) if is_number(change.change.after.planned_count)

batched(change) if count(change.change.after.planned_batches) > 0

deny contains message if {
	some change in large
	not batched(change)
	message := sprintf("%s: starts %d nodes at once, and above %d a rollout is required; give it one, such as rollout = { canary = 2 }", [change.address, change.change.after.planned_count, above])
}

deny contains message if {
	some change in large
	first := change.change.after.planned_batches[0]
	first.node_count > above
	message := sprintf("%s: the first batch of its rollout (%s) has %d nodes, and at most %d are allowed before anything was seen; begin with fewer, such as rollout = { canary = 2 }", [change.address, first.name, first.node_count, above])
}

deny contains message if {
	some change in plan.acts
	not counted(change)
	message := sprintf("%s: the plan does not say how many nodes it starts; plan against a BOS with previews", [change.address])
}

# Staged state is applied at once.
deny contains message if {
	some change in plan.applies
	not within(change)
	message := sprintf("%s: applies staged state to more than %d nodes at once, or does not say to how many; use a bos_session with a rollout, or apply it in parts", [change.address, above])
}

within(change) if max_nodes.touched[change.address] <= above

deny contains message if {
	some action in plan.invoked
	message := sprintf("%s: an action has no rollout, and the plan does not say how many nodes it starts; use a bos_session in its place", [action.address])
}
