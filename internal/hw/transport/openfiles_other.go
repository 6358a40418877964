//go:build !unix

package transport

// openFiles is how many files this process may have open: where there is no
// such limit, enough for every connection that may be kept.
func openFiles() uint64 { return 2 * MaxConnections }
