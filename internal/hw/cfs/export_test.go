package cfs

import "time"

// NewImpatient is New with hardly a pause before a read is repeated.
func NewImpatient(c Config) *Client {
	client := newClient(c, time.Millisecond)
	client.asks.WithoutPauses()
	return client
}
