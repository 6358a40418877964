// Package bootservice emulates OpenCHAMI's boot-service as far as its nodes and boot
// configurations go: what it takes, what it answers, which configuration a node
// boots, and what of it arrives in the script.
package bootservice
