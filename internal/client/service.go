package client

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Version is the version of the API, as major.minor.patch.
func (c *Client) Version(ctx context.Context) (string, error) {
	var v apiVersion
	if err := c.get(ctx, "/v2/version", nil, &v); err != nil {
		return "", err
	}
	return strings.Join([]string{v.Major, v.Minor, v.Patch}, "."), nil
}

// apiVersion is what GET /v2/version answers.
type apiVersion struct {
	Major string `json:"major"`
	Minor string `json:"minor"`
	Patch string `json:"patch"`
}

// Health is what BOS says of itself.
type Health struct {
	Database string `json:"dbStatus"`
	API      string `json:"apiStatus"`
}

// Health asks how BOS is. One that says that it is not well is no error: reason
// then has its words.
func (c *Client) Health(ctx context.Context) (h Health, reason string, err error) {
	err = c.call(ctx, c.write, http.MethodGet, "/v2/healthz", nil, nil, &h)
	var answer *Error
	if errors.As(err, &answer) && answer.Status == http.StatusServiceUnavailable {
		return h, answer.Detail, nil
	}
	return h, "", err
}
