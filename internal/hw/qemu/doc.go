// Package qemu is a small machine room of virtual machines. Each node is a QEMU with
// a network card and the iPXE that QEMU's packages bring, started and stopped by a
// BMC that speaks Redfish; beside them is an image store. What a node boots runs for
// real, so it shows what an emulated room cannot: firmware, iPXE, a kernel, an initrd.
// It speaks to nothing of BOS.
package qemu
