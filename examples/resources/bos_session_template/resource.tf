# Two kinds of nodes in one template. The compute nodes get their kernel
# parameters from a list, so that a review shows which one changed.
resource "bos_session_template" "system" {
  name        = "system-2026-11"
  description = "Compute and login nodes"

  cfs = { configuration = "cos-2026-11" }

  boot_sets = {
    compute = {
      path              = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
      node_roles_groups = ["Compute"]
      kernel_parameters = join(" ", [
        "console=ttyS0,115200",
        "hugepages=16",
        "quiet",
      ])
    }
    login = {
      path      = "s3://boot-images/00000000-0000-4000-8000-000000000002/manifest.json"
      arch      = "ARM"
      node_list = provider::bos::xname_expand("x3000c0s[30-31]b0n0")
      cfs       = { configuration = "uan-2026-11" }
    }
  }
}
