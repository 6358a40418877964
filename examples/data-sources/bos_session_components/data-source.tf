# The nodes of a session that failed, whoever has them now.
data "bos_session_components" "failed" {
  session = "nightly"
  status  = ["failed"]
}

# Folded by cause: { "bmc_unreachable" = "x3000c0s[1-4]b0n0" }
output "by_cause" {
  value = data.bos_session_components.failed.by_cause
}

# What is worth another try: not where a BMC is dead. It is empty if nothing is,
# and an empty limit is refused, so give a session that takes it a count.
output "retry_limit" {
  value = join(",", [
    for cause, nodes in data.bos_session_components.failed.by_cause : nodes
    if !contains(["bmc_unreachable", "bmc_authentication"], cause)
  ])
}
