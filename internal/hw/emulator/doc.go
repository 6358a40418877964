// Package emulator is a machine room without machines: nodes with BMCs, HSM,
// PCS, BSS, CFS, IMS, TAPMS and S3, in the wire formats of the real ones.
//
// Room is the model. It has no socket, goroutine or clock, every step of it
// follows from its Config and the calls made, so that a simulation can drive it
// in virtual time and repeat it. Server puts a Room on real sockets, all of
// them on loopback addresses.
//
// What the service makes of the answers is no business of this package: it
// knows neither BOS' rules nor the adapters that talk to it.
package emulator
