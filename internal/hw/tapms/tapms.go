// Package tapms asks the Tenant and Partition Management Service which nodes a
// tenant has. What a tenant may see and do is decided elsewhere.
package tapms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	defaultTimeout = 30 * time.Second
	// maxBody bounds an answer: a tenant with 10,000 nodes names them twice.
	maxBody = 16 << 20
	retries = 2
)

// Client speaks to one TAPMS. It is safe for concurrent use.
type Client struct {
	http *transport.Client
	url  string
	last last
}

var _ bos.Tenants = (*Client)(nil)

// New speaks to the TAPMS at u; its URL is the prefix before /tenants, such as
// http://tapms:2875/v1alpha3. It connects when it is first asked.
func New(u transport.Upstream) *Client { return newClient(u, 0) }

func newClient(u transport.Upstream, retryWait time.Duration) *Client {
	return &Client{
		http: u.Open(transport.Config{
			Upstream: "TAPMS", WayOut: transport.Look("check TAPMS and tenants.tapms.url", "tenants.tapms"),
			Timeout: defaultTimeout, MaxBody: maxBody, Retries: retries, RetryWait: retryWait, Own: ownError,
		}),
		url:  u.Base(),
		last: last{now: time.Now},
	}
}

// ownError reports whether a body is an error as TAPMS writes them: an object with
// a message, and a bare string of JSON where it has no such tenant.
func ownError(body []byte) bool {
	var e struct{ Message *string }
	var text string
	return json.Unmarshal(body, &e) == nil && e.Message != nil || json.Unmarshal(body, &text) == nil && text != ""
}

// Close lets go of the connections that are not in use.
func (c *Client) Close() { c.http.Close() }

// TenantNodes reads the nodes that a tenant has now: those of its status, not
// those that it shall have. An unknown tenant is bos.ErrNotFound. Who may have an aged
// answer is given the last one while TAPMS has none.
func (c *Client) TenantNodes(ctx context.Context, tenant string) ([]string, error) {
	nodes, aged := c.last.instead(ctx, tenant)
	if aged && c.last.failing() {
		return nodes, nil
	}
	now, err := c.tenantNodes(ctx, tenant)
	c.last.note(tenant, now, err)
	if err != nil && aged && !errors.Is(err, bos.ErrNotFound) && ctx.Err() == nil {
		return nodes, nil
	}
	return now, err
}

func (c *Client) tenantNodes(ctx context.Context, tenant string) ([]string, error) {
	if tenant == "" || tenant == "." || tenant == ".." {
		return nil, fmt.Errorf("tenant %q: %w", tenant, bos.ErrNotFound)
	}
	q := transport.Request{Method: http.MethodGet, URL: c.url + "/tenants/" + url.PathEscape(tenant)}
	var answer struct {
		Spec *struct {
			Name string `json:"tenantname"`
		} `json:"spec"`
		Status struct {
			Resources []struct {
				Xnames []string `json:"xnames"`
			} `json:"tenantresources"`
		} `json:"status"`
	}
	err := c.http.JSON(ctx, q, &answer)
	switch {
	case transport.ClassOf(err) == transport.ClassAbsent:
		return nil, fmt.Errorf("tenant %q: %w", tenant, bos.ErrNotFound)
	case err != nil:
		return nil, err
	case answer.Spec == nil:
		return nil, fmt.Errorf("TAPMS's answer to GET %s lacks the spec of a tenant; check TAPMS and tenants.tapms.url", transport.Address(q.URL))
	case answer.Spec.Name != "" && answer.Spec.Name != tenant:
		// TAPMS also finds tenants by their UUID, which is no name.
		return nil, fmt.Errorf("tenant %q: %w", tenant, bos.ErrNotFound)
	}
	var nodes []string
	for _, r := range answer.Status.Resources {
		for _, id := range r.Xnames {
			nodes = append(nodes, bos.CanonicalXname(id))
		}
	}
	slices.SortFunc(nodes, bos.CompareXnames)
	return slices.Compact(nodes), nil
}
