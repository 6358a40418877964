package client

import (
	"context"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Reboot has nodes rebooted, by the names that the workload manager has for them or by their
// xnames. It needs a server that announces bos.ExtensionReboot.
func (c *Client) Reboot(ctx context.Context, ask bos.RebootAsk) (bos.RebootAnswer, error) {
	var answer bos.RebootAnswer
	err := c.send(ctx, http.MethodPost, "/x/v1/reboot", ask, &answer)
	return answer, err
}
