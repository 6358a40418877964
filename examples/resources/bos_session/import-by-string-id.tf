import {
  to = bos_session.compute
  id = "nightly" # or tenant/name
}
