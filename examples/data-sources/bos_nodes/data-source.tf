# Every compute node with a GPU, without those of the blue group.
data "bos_nodes" "gpu" {
  limit = "Compute_Gpu,!blue"
}

# As the limit of a session. An empty limit is refused, so there is no session
# where there are no such nodes.
resource "bos_session" "gpu" {
  count = data.bos_nodes.gpu.node_count > 0 ? 1 : 0

  template_name = "compute"
  operation     = "reboot"
  limit         = data.bos_nodes.gpu.nodes
}

# Whom a session would leave out, and why.
output "left_out" {
  value = data.bos_nodes.gpu.skipped # { "locked in the inventory" = "x3000c0s[1-4]b0n0" }
}

# The nodes that were last seen to be on, folded.
output "on" {
  value = provider::bos::xname_fold([for xname, node in data.bos_nodes.gpu.by_xname : xname if node.power == "on"])
}
