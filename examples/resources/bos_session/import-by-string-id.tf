# With its template, as the configuration above has both.
import {
  to = bos_session_template.compute
  id = "compute"
}

import {
  to = bos_session.compute
  id = "nightly" # or tenant/name
}
