# What would a reboot of the first chassis do now? Nothing is changed.
data "bos_session_preview" "chassis" {
  template_name = "compute"
  operation     = "reboot"
  limit         = "x1000c0s[0-3]b0n0"
}

output "would_reboot" {
  value = data.bos_session_preview.chassis.nodes # folded
}

output "would_leave_out" {
  value = data.bos_session_preview.chassis.skipped # by reason, such as "held: board is out"
}

# The pin holds a saved plan to what was reviewed: the session is refused if by then
# it would touch other nodes, or boot something else.
resource "bos_session" "chassis" {
  template_name = "compute"
  operation     = "reboot"
  limit         = "x1000c0s[0-3]b0n0"
  pin           = data.bos_session_preview.chassis.pin
}
