// Package emulator is a machine room without machines: nodes with BMCs, HSM,
// PCS, BSS, CFS, IMS, TAPMS and S3, in the wire formats of the real ones.
//
// Package room is the model. It has no socket, goroutine or clock, every step of
// it follows from its Config and the calls made, so that a simulation can drive it
// in virtual time and repeat it. Packages bmc and services are its faces, package
// fault the one vocabulary of what goes wrong, in which all of them and fault
// scripts speak. Server puts a room and its faces on real sockets, all of them on
// loopback addresses.
//
// What the service makes of the answers is no business of these packages: they
// know neither BOS' rules nor the adapters that talk to them.
package emulator
