package bootservice

import "context"

// Examine reads what a write would read, and says what is wrong with the answers. It
// changes nothing.
func (c *Client) Examine(ctx context.Context) error {
	_, err := c.read(ctx)
	return err
}
