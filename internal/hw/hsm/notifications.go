package hsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// NotificationsPath is where HSM sends its notifications.
const NotificationsPath = "/x/v1/hsm-notifications"

const (
	subscriptionsPath = "/Subscriptions/SCN"
	// subscriber names this service among the subscribers of HSM.
	subscriber = "bootorch-bos"
	// renewEvery is how often it is checked that HSM still has the
	// subscription: it loses them with its database.
	renewEvery = 5 * time.Minute
	// farewellTimeout bounds the end of the subscription when the service
	// stops.
	farewellTimeout = 3 * time.Second
)

// MaxNotification bounds one notification: 10,000 xnames are 200 KB.
const MaxNotification = 1 << 20

// notified are the states whose change HSM tells: those that come with power.
var notified = []string{"On", "Off", "Ready", "Standby", "Halt"}

// Subscribe sees to it that HSM tells the address url when nodes change their
// state, and changes nothing if it does so already.
func (c *Client) Subscribe(ctx context.Context, url string) error {
	ids, err := c.subscriptions(ctx, url)
	if err != nil || len(ids) > 0 {
		return err
	}
	_, err = c.http.Do(ctx, transport.Request{
		Method: http.MethodPost, URL: c.url + subscriptionsPath,
		Body: struct {
			Subscriber string
			Enabled    bool
			States     []string
			URL        string `json:"Url"`
		}{subscriber, true, notified, url},
	})
	return err
}

// Unsubscribe sees to it that HSM tells the address url nothing any more.
func (c *Client) Unsubscribe(ctx context.Context, url string) error {
	ids, err := c.subscriptions(ctx, url)
	for _, id := range ids {
		_, failed := c.http.Do(ctx, transport.Request{Method: http.MethodDelete, URL: fmt.Sprintf("%s%s/%d", c.url, subscriptionsPath, id)})
		err = errors.Join(err, failed)
	}
	return err
}

// subscriptions are this service's at an address, by their ids.
func (c *Client) subscriptions(ctx context.Context, url string) (ids []int64, err error) {
	var list struct {
		Subscriptions []struct {
			ID              int64
			Subscriber, URL string
		} `json:"SubscriptionList"`
	}
	err = c.http.JSON(ctx, c.question(subscriptionsPath), &list)
	for _, s := range list.Subscriptions {
		if s.Subscriber == subscriber && s.URL == url {
			ids = append(ids, s.ID)
		}
	}
	return ids, err
}

// KeepSubscribed subscribes, and again when HSM has lost it, until ctx ends; then
// it takes the subscription back, as far as there is time, unless others are behind the
// same address: shared says so. service is this service as HSM reaches it. Notifications
// are hints: without them all goes on at the pace of polling.
func (c *Client) KeepSubscribed(ctx context.Context, service string, shared bool, log *slog.Logger) {
	here := strings.TrimRight(service, "/") + NotificationsPath
	renew := time.NewTicker(renewEvery)
	defer renew.Stop()
	for {
		if err := c.Subscribe(ctx, here); err != nil && ctx.Err() == nil {
			log.Warn("HSM does not notify this service of state changes; it polls", "error", err)
		}
		select {
		case <-ctx.Done():
			if !shared {
				c.leave(ctx, here, log)
			}
			return
		case <-renew.C:
		}
	}
}

// leave unsubscribes after ctx has ended. Nobody waits for an HSM that is out:
// what it sends to a service that stopped is lost, and does no harm.
func (c *Client) leave(ctx context.Context, here string, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	if err := c.Unsubscribe(ctx, here); err != nil {
		log.Warn("HSM goes on notifying this service, which has stopped", "url", here, "error", err)
	}
}

// Notifications receives what HSM tells, and passes the nodes on. Whoever sends
// something can make the service probe power sooner, and nothing else: the
// states in it are not taken.
func Notifications(hint func(nodes ...string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxNotification))
		var told struct{ Components []string }
		if err != nil || json.Unmarshal(body, &told) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var nodes []string
		for _, id := range told.Components {
			if id = bos.CanonicalXname(id); bos.IsNodeXname(id) {
				nodes = append(nodes, id)
			}
		}
		hint(nodes...)
		w.WriteHeader(http.StatusOK)
	})
}
