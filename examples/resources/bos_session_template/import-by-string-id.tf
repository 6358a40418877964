import {
  to = bos_session_template.compute
  id = "compute" # or tenant/name
}
