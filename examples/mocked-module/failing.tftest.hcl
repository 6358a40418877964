# The same with a canary that fails: the values of one session are others.
mock_provider "bos" {
  source = "./mocks"
}

override_resource {
  target = bos_session.canary
  values = {
    succeeded    = false
    failed_nodes = "x3000c0s1b0n0"
    failed_count = 1
    retry_limit  = "x3000c0s1b0n0"
  }
}

variables {
  image = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
}

run "a_canary_that_fails_leaves_the_rest_alone" {
  expect_failures = [bos_session.canary]
}
