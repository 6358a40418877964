# A session for each chassis.
resource "bos_session" "chassis" {
  for_each = provider::bos::xname_by("x3000c[0-1]s[1-2]b0n0", "chassis") # { x3000c0 = "x3000c0s[1-2]b0n0", x3000c1 = ... }

  template_name = "compute"
  operation     = "reboot"
  limit         = each.value
}
