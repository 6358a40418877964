# A canary of 2 nodes, then the rest: the second session runs once the first has
# succeeded.
locals {
  waves = provider::bos::xname_chunk("x3000c0s[1-4]b0n0", 2) # ["x3000c0s[1-2]b0n0", "x3000c0s[3-4]b0n0"]
}

resource "bos_session" "canary" {
  template_name = "compute"
  operation     = "reboot"
  limit         = local.waves[0]

  lifecycle {
    postcondition {
      condition     = self.succeeded
      error_message = "The canary did not succeed, so the rest is left alone."
    }
  }
}

resource "bos_session" "rest" {
  depends_on = [bos_session.canary]

  template_name = "compute"
  operation     = "reboot"
  limit         = join(",", slice(local.waves, 1, length(local.waves)))
}
