import {
  to = bos_session_template.system
  id = "system-2026-11" # or tenant/name
}
