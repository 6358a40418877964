# terraform test; needs no CSM system. What is planned does not depend on one.

provider "bos" {
  endpoint        = "https://127.0.0.1:1/apis/bos"
  require_preview = false # nobody answers here; without this, that fails the plan
}

variables {
  gateway       = "https://127.0.0.1:1"
  client_secret = "not used"
  image_id      = "00000000-0000-4000-8000-000000000001"
  configuration = "compute-24.11"
}

run "what_bos_gets" {
  command = plan
  assert {
    condition     = endswith(bos_session_template.compute.boot_sets["compute"].kernel_parameters, "$${SPIRE_JOIN_TOKEN}")
    error_message = "BOS puts the token in place of $${SPIRE_JOIN_TOKEN}; Terraform must leave it alone."
  }
}
