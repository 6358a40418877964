# terraform test, against a BOS with emulated nodes: "make example-tests" in the
# provider's repository starts one.

run "boot" {
  assert {
    condition     = bos_session.compute.succeeded && output.retry_limit == "" && length(bos_session.retry) == 0
    error_message = "A boot in which nothing failed asks for a retry."
  }
}

run "retry" {
  variables { retry = "x1000c0s0b1n[0-1]" }
  assert {
    condition     = bos_session.retry[0].nodes == var.retry && bos_session.compute.name == run.boot.session
    error_message = "The retry acted on ${bos_session.retry[0].nodes}, or ran the first session again."
  }
}

run "forget_the_retry" {
  assert {
    condition     = length(bos_session.retry) == 0 && bos_session.compute.name == run.boot.session
    error_message = "Unsetting the variable ran a session."
  }
}
