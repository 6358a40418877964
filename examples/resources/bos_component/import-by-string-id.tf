import {
  to = bos_component.debug
  id = "x1000c0s0b0n0"
}
