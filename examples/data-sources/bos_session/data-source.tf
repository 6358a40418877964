# A session that somebody else runs.
data "bos_session" "nightly" {
  name = "nightly"
}

output "nightly" {
  value = {
    status = data.bos_session.nightly.status
    done   = data.bos_session.nightly.percent_complete
    nodes  = data.bos_session.nightly.nodes        # folded: x3000c0s[1-4]b0n0 is four nodes
    failed = data.bos_session.nightly.failed_nodes # folded as well
    why    = data.bos_session.nightly.error_summary
  }
}
