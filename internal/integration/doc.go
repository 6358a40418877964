// Package integration boots nodes with parts that others wrote: SMD, BSS (on PostgreSQL
// and without) and boot-service of OpenCHAMI, its PCS where that was built, and
// Redfish BMC mocks of metal-operator, through the serve command in a process of its own; and virtual machines with the iPXE, kernel and
// initrd that real nodes boot with, by terraform apply. It consists of tests, which need the programs that
// scripts/integration.sh builds and are skipped without them: make integration.
package integration
