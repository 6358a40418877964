// Package bos holds the language of the project: the records of the Boot
// Orchestration Service, what follows from them without looking anywhere else
// (derived status, validation limits, the limit grammar, xnames), the errors
// with their causes, and the ports through which the rest of the program is
// reached.
//
// It is a leaf: it imports the standard library only and does no I/O. What
// decides lives in internal/service/decide, what acts in
// internal/service/engine, what talks to hardware in internal/hw.
package bos
