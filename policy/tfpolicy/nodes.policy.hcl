# The rules of ../bos for Terraform Policy (tfpolicy), resource by resource: it has
# no view of a plan as a whole, and none of actions. The last rule makes the provider
# block set guards, which hold for all sessions, for staged state and for actions.
policy {
  required_providers {
    bos = {
      source  = "bootorch/bos"
      version = ">= 0.1.0"
    }
  }
}

input "max_nodes" {
  type    = number
  default = 64
}

input "protected_roles" {
  type    = list(string)
  default = ["Management"]
}

input "rollout_above" {
  type    = number
  default = 64
}

input "allow_components" {
  type    = bool
  default = false
}

# What is not known when a plan is made is looked at during the apply, before the
# resource is touched; a BOS that does not say it at all leaves it null.
resource_policy "bos_session" "max_nodes" {
  operations = ["create"]

  locals {
    count = core::try(attrs.planned_count, null)
    stage = core::try(attrs.stage, false)
  }

  enforce {
    condition     = local.stage == true ? true : (local.count == null ? false : local.count <= input.max_nodes)
    error_message = "A session acts on more than ${input.max_nodes} nodes, or the plan does not say on how many; narrow it with limit, or plan against a BOS with previews."
  }
}

resource_policy "bos_session" "protected_roles" {
  operations = ["create"]

  locals {
    roles = core::try(attrs.planned_roles, null)
  }

  enforce {
    condition     = local.roles == null ? false : core::length([for role in core::keys(local.roles) : role if core::contains(input.protected_roles, role)]) == 0
    error_message = "A session acts on, or stages for, nodes of a protected role, or the plan does not say which roles its nodes have; take them out of the template, or out of the session with limit."
  }
}

# Above so many nodes a session goes through them in batches, and begins with no more.
resource_policy "bos_session" "rollout" {
  operations = ["create"]

  locals {
    count = core::try(attrs.planned_count, null)
    first = core::try(attrs.planned_batches[0].node_count, null)
    stage = core::try(attrs.stage, false)
  }

  enforce {
    condition     = local.stage == true ? true : (local.count == null ? false : (local.count <= input.rollout_above ? true : (local.first == null ? false : local.first <= input.rollout_above)))
    error_message = "A session starts more than ${input.rollout_above} nodes at once, or the plan does not say how many; give it a rollout that begins with fewer, such as rollout = { canary = 2 }."
  }
}

# Of staged state a plan names the nodes only; that of one session is held to the
# plan of that session.
resource_policy "bos_staged_apply" "of_one_session" {
  operations = ["create"]

  enforce {
    condition     = core::try(attrs.session, null) != null
    error_message = "Staged state is applied whoever staged it; name the session with session = bos_session.x.name."
  }
}

resource_policy "bos_component" "armed" {
  operations = ["create", "update"]

  enforce {
    condition     = core::try(attrs.enabled, null) == true ? input.allow_components : true
    error_message = "BOS is asked to act on a single component, whose role is not in the plan; set allow_components if single components may be booted here."
  }
}

provider_policy "bos" "guards" {
  enforce {
    condition     = core::try(attrs.max_nodes, null) != null && core::try(attrs.protected_roles, null) != null
    error_message = "Set max_nodes and protected_roles in the provider block: they hold for actions too, of which a policy sees nothing."
  }
}
