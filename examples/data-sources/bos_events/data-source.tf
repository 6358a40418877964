# Who held, enabled or changed this node, and what BOS did to it.
data "bos_events" "node" {
  xname      = "x3000c0s19b1n0"
  max_events = 200
}

output "history" {
  value = [for e in data.bos_events.node.events : "${e.time} ${e.kind} ${e.session} ${e.actor} ${e.detail}"]
}
