// Package machineroom is the model of an emulated machine room: nodes with their power
// and what they boot, what its services remember, and what goes wrong by rules. It has
// no sockets and no clock of its own; the faces of BMCs and services are other packages.
package machineroom
