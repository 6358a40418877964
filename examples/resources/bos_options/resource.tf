# The options of BOS that this workspace answers for; all others are left as they are.
resource "bos_options" "site" {
  max_boot_wait_time     = 1800 # seconds
  default_retry_policy   = 3
  session_limit_required = true # a session without a limit is refused
}
