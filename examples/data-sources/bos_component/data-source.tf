# One node, as BOS has it now.
data "bos_component" "node" {
  xname = "x1000c0s0b0n0"
}

output "node" {
  value = {
    status = data.bos_component.node.status # such as "stable" or "power_on_called"
    error  = data.bos_component.node.error  # what went wrong last
    runs   = data.bos_component.node.actual_state.boot_artifacts.kernel
    wanted = data.bos_component.node.desired_state.boot_artifacts.kernel
    held   = data.bos_component.node.held # why sessions leave it out, empty if they do not
  }
}
