// Package transport is the HTTP plumbing that every upstream shares: deadlines,
// caps on what is read, retries of reads, connections that are kept, and errors
// that say in one sentence what was asked, of whom, what came back and where to
// look, and that tell a request that never left from one that was sent and not
// answered.
//
// What is asked, and what an answer means, is the adapters' business.
package transport
