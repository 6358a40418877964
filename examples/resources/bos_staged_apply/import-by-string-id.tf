# What an apply did whose state was lost, with the session that staged it: nothing is
# applied again. Plan and apply with -var window=true.
import {
  to = bos_session.stage
  id = "staged"
}

import {
  to = bos_staged_apply.window[0]
  id = "x1000c0s0b[0-1]n[0-1]" # or tenant/nodes
}
