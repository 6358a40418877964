# terraform test, against a BOS with emulated nodes: "make example-tests" in the
# provider's repository starts one.

run "the_canary_is_not_in_the_rest" {
  assert {
    condition     = !contains(provider::bos::xname_expand(bos_session.rest.nodes), var.canary)
    error_message = "The second session touched the canary again."
  }
  assert {
    condition     = timecmp("${bos_session.canary.end_time}Z", "${bos_session.rest.start_time}Z") <= 0
    error_message = "The rest did not wait for the canary."
  }
}
