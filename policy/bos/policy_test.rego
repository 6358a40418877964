# The plans in testdata/ are real: provider/policy_test.go records them, but for
# the one with actions, which no Terraform before 1.14 makes.
package bos.policy_test

import data.bos.max_nodes
import data.bos.protected_roles
import data.bos.rollout
import data.testdata

test_a_boot_of_compute_nodes_passes if {
	max_nodes.deny == set() with input as testdata.boot_compute
	protected_roles.deny == set() with input as testdata.boot_compute
}

test_more_nodes_than_allowed_are_denied_with_both_numbers if {
	max_nodes.deny == {"the plan touches 8 nodes and at most 7 are allowed; narrow it with limit, or raise max_nodes"} with input as testdata.boot_compute
		with data.settings as {"max_nodes": 7}
}

test_as_many_nodes_as_allowed_pass if {
	max_nodes.deny == set() with input as testdata.boot_compute with data.settings as {"max_nodes": 8}
}

test_a_reboot_of_management_nodes_is_denied_and_names_them if {
	protected_roles.deny == {"bos_session.reboot: would reboot nodes of role Management (x3000c0s[1-2]b0n0); take them out of the template, or out of the session with limit"} with input as testdata.reboot_all
}

test_roles_can_be_protected_by_setting if {
	count(protected_roles.deny) == 1 with input as testdata.boot_compute with data.settings as {"protected_roles": ["Compute"]}
}

test_a_plan_without_preview_is_denied_by_both if {
	count(max_nodes.deny) == 1 with input as testdata.no_preview
	count(protected_roles.deny) == 1 with input as testdata.no_preview
}

test_a_plan_that_changes_nothing_passes if {
	max_nodes.deny == set() with input as testdata.nothing with data.settings as {"max_nodes": 0}
	protected_roles.deny == set() with input as testdata.nothing
}

test_a_destroy_passes if {
	max_nodes.deny == set() with input as testdata.destroy with data.settings as {"max_nodes": 0}
	protected_roles.deny == set() with input as testdata.destroy
}

test_staged_state_counts_once_when_it_is_applied if {
	max_nodes.deny == {"the plan touches 8 nodes and at most 7 are allowed; narrow it with limit, or raise max_nodes"} with input as testdata.staged
		with data.settings as {"max_nodes": 7}
	max_nodes.deny == set() with input as testdata.staged with data.settings as {"max_nodes": 8}
	protected_roles.deny == set() with input as testdata.staged
}

test_staged_state_from_elsewhere_is_denied if {
	count(protected_roles.deny) == 1 with input as testdata.staged_elsewhere
	count(max_nodes.deny) == 1 with input as testdata.staged_elsewhere
}

test_a_component_that_is_armed_counts_and_needs_a_setting if {
	count(max_nodes.deny) == 1 with input as testdata.component with data.settings as {"max_nodes": 0}
	count(protected_roles.deny) == 1 with input as testdata.component
	protected_roles.deny == set() with input as testdata.component with data.settings as {"allow_components": true}
}

test_a_component_whose_enabled_is_not_known_counts_and_needs_a_setting if {
	count(max_nodes.deny) == 1 with input as testdata.component_unknown with data.settings as {"max_nodes": 0}
	count(protected_roles.deny) == 1 with input as testdata.component_unknown
	protected_roles.deny == set() with input as testdata.component_unknown with data.settings as {"allow_components": true}
}

test_a_component_without_enabled_passes if {
	max_nodes.deny == set() with input as testdata.component_unmanaged with data.settings as {"max_nodes": 0}
	protected_roles.deny == set() with input as testdata.component_unmanaged
}

test_an_unknown_enabled_counts_where_the_configuration_is_not_given if {
	plan := object.remove(testdata.component_unmanaged, {"configuration"})
	count(max_nodes.deny) == 1 with input as plan with data.settings as {"max_nodes": 0}
	count(protected_roles.deny) == 1 with input as plan
}

test_actions_that_act_are_denied_by_both_whatever_the_settings if {
	count(max_nodes.deny) == 3 with input as testdata.actions with data.settings as {"max_nodes": 100000}
	count(protected_roles.deny) == 3 with input as testdata.actions with data.settings as {"protected_roles": [], "allow_components": true}
}

test_an_action_that_is_deferred_is_denied if {
	plan := {"deferred_action_invocations": [{"reason": "unknown", "action_invocation": testdata.actions.action_invocations[0]}]}
	count(max_nodes.deny) == 1 with input as plan
	count(protected_roles.deny) == 1 with input as plan
}

test_an_action_that_nobody_knows_yet_is_denied if {
	plan := {"action_invocations": [{"address": "action.bos_new.x", "type": "bos_new"}]}
	count(max_nodes.deny) == 1 with input as plan
}

test_actions_of_other_providers_pass if {
	plan := {"action_invocations": [{"address": "action.aws_sns_publish.x", "type": "aws_sns_publish"}]}
	max_nodes.deny == set() with input as plan
	protected_roles.deny == set() with input as plan
}

test_as_many_nodes_as_allowed_need_no_rollout if {
	rollout.deny == set() with input as testdata.boot_compute with data.settings as {"rollout_above": 8}
	rollout.deny == set() with input as testdata.boot_compute
}

test_more_nodes_without_a_rollout_are_denied_with_both_numbers if {
	rollout.deny == {"bos_session.boot: starts 8 nodes at once, and above 4 a rollout is required; give it one, such as rollout = { canary = 2 }"} with input as testdata.boot_compute
		with data.settings as {"rollout_above": 4}
}

test_more_nodes_with_a_rollout_that_begins_small_pass if {
	rollout.deny == set() with input as testdata.rollout with data.settings as {"rollout_above": 4}
}

test_a_rollout_that_begins_with_more_is_denied_and_names_the_batch if {
	rollout.deny == {"bos_session.boot: the first batch of its rollout (batch 1) has 8 nodes, and at most 4 are allowed before anything was seen; begin with fewer, such as rollout = { canary = 2 }"} with input as testdata.rollout_at_once
		with data.settings as {"rollout_above": 4}
}

test_a_plan_without_preview_is_denied_as_nobody_knows_its_rollout if {
	count(rollout.deny) == 1 with input as testdata.no_preview
}

test_staged_state_is_applied_at_once_and_has_the_same_bound if {
	count(rollout.deny) == 1 with input as testdata.staged with data.settings as {"rollout_above": 4}
	rollout.deny == set() with input as testdata.staged with data.settings as {"rollout_above": 8}
	count(rollout.deny) == 1 with input as testdata.staged_elsewhere
}

test_a_rollout_is_wanted_of_no_plan_that_starts_nothing if {
	rollout.deny == set() with input as testdata.nothing with data.settings as {"rollout_above": 0}
	rollout.deny == set() with input as testdata.destroy with data.settings as {"rollout_above": 0}
}

test_actions_have_no_rollout if {
	count(rollout.deny) == 3 with input as testdata.actions with data.settings as {"rollout_above": 100000}
}
