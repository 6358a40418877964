# `terraform test` runs this with no BOS at all: mocks/bos.tfmock.hcl answers for it.
mock_provider "bos" {
  source = "./mocks"
}

variables {
  image             = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
  kernel_parameters = "hugepages=16"
}

run "the_canary_goes_first" {
  assert {
    condition     = bos_session.canary.limit == "x3000c0s1b0n0" && bos_session.rest.limit == "Compute,!x3000c0s1b0n0"
    error_message = "The waves are ${bos_session.canary.limit} and ${bos_session.rest.limit}."
  }
  assert {
    condition     = bos_session_template.role.boot_sets["all"].kernel_parameters == "console=ttyS0,115200 quiet hugepages=16"
    error_message = "The kernel parameters are ${bos_session_template.role.boot_sets["all"].kernel_parameters}."
  }
  assert {
    condition     = output.retry_limit == ""
    error_message = "Nothing failed, and ${output.retry_limit} is to be tried again."
  }
}
