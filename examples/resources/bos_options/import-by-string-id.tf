import {
  to = bos_options.site
  id = "options"
}
