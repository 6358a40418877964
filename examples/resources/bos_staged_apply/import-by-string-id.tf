# What an apply did whose state was lost: nothing is applied again.
import {
  to = bos_staged_apply.window[0]
  id = "x3000c0s[1-4]b0n0" # or tenant/nodes
}
