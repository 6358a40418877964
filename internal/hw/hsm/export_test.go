package hsm

import "time"

// NewImpatient is New with a pause of its own before a read is repeated.
func NewImpatient(url string, timeout, retryWait time.Duration) *Client {
	return newClient(url, timeout, retryWait)
}
