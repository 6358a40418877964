// Package decide holds every decision of the service as a pure function: which
// nodes a session touches (Select), what it writes to them (Setup), what
// happens to one node next (Decide), what an answer of an upstream means for
// its record (Settle), how a silent BMC is to be read (Assess).
//
// Time and observations are arguments. The package does no I/O, knows no
// clock and no chance; internal/service/engine acts on what it decides.
package decide
