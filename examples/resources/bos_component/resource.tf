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

# A node that BOS stops acting on. Sessions that select it boot it all the same: to
# have it left alone while its board is out, put a hold on it (PUT
# /x/v1/components/XNAME/hold), or with a plain BOS v2 disable or lock it in HSM.
resource "bos_component" "stopped" {
  xname   = "x1000c0s3b0n0"
  enabled = false
}
