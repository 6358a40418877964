//go:build !race

package service

// raced says that the race detector is on, with which all takes ten times as long.
const raced = false
