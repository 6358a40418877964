# The nodes of each chassis, folded.
locals {
  nodes = provider::bos::xname_expand("x1000c[0-1]s[0-3]b0n0")
}

output "by_chassis" {
  value = {
    for chassis, nodes in { for node in local.nodes : provider::bos::xname_parse(node).chassis_xname => node... } :
    chassis => provider::bos::xname_fold(nodes) # "x1000c0" = "x1000c0s[0-3]b0n0"
  }
}
