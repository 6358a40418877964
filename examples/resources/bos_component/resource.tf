# The one node that runs another kernel than its template says.
resource "bos_component" "debug" {
  xname   = "x1000c0s0b0n0"
  enabled = true # asks BOS to act whenever the desired state changes

  desired_state = {
    boot_artifacts = {
      kernel            = "s3://boot-images/00000000-0000-4000-8000-000000000001/kernel"
      initrd            = "s3://boot-images/00000000-0000-4000-8000-000000000001/initrd"
      kernel_parameters = "console=ttyS0,115200 debug"
    }
  }
}

# A node that everybody keeps their hands off while its board is out: sessions that
# select it leave it out and say why. It goes on when hold is taken out again.
resource "bos_component" "in_repair" {
  xname = "x1000c0s3b0n0"
  hold  = { reason = "board is out, ticket 4711" }
}
