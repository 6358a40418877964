# What is at work now, and since when.
data "bos_sessions" "running" {
  status = "running"
}

output "running" {
  value = { for session in data.bos_sessions.running.sessions : session.name => "${session.operation} of ${session.node_count} nodes since ${session.start_time}" }
}

# What was run in the last day.
data "bos_sessions" "recent" {
  max_age = "1d"
}

output "recent" {
  value = data.bos_sessions.recent.names
}
