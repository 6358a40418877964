// Package engine drives components to their desired state: it keeps what is
// due, asks decide what to do, and says what to write, which nodes to probe
// and what to call. Step is the whole of it: a function of the time and of
// what happened, without goroutines, channels or a clock.
//
// What it says is carried out by internal/service/shell, in production and under
// virtual time. The one rule of the shell is that a commit is durable before the
// effects that came with it start.
//
// State in memory is a cache of the store. An engine started on the same store
// with nothing in memory takes up the work where it is.
package engine
