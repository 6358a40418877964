package provider

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/stats"
)

func TestTheProviderOutlivesSignalsAsLongAsTerraformLivesAndNotLonger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// happens is one event a letter: c connects, d disconnects, s is a signal,
		// and each digit so many seconds.
		happens string
		gone    bool
	}{
		"started":                                {"", false},
		"never connected to":                     {"9999999999999999", true},
		"connected to":                           {"c9999999999999999", false},
		"disconnected from":                      {"cd", false},
		"disconnected from and left":             {"cd6", true},
		"connected to again":                     {"cd3c9", false},
		"with one connection of two left":        {"ccd9", false},
		"told to end while Terraform lives":      {"cs9s9", false},
		"told to end, and Terraform ends":        {"csd", true},
		"orphaned, and told to end":              {"cds", true},
		"told to end before Terraform connects":  {"s", false},
		"told to end, and Terraform connects":    {"s3c9", false},
		"told to end, and Terraform never comes": {"s6", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLifeline()
				for _, event := range c.happens {
					switch event {
					case 'c':
						l.HandleConn(context.Background(), &stats.ConnBegin{})
					case 'd':
						l.HandleConn(context.Background(), &stats.ConnEnd{})
					case 's':
						l.signal()
					default:
						<-time.After(time.Duration(event-'0') * time.Second)
					}
				}
				synctest.Wait()
				select {
				case <-l.gone():
					if !c.gone {
						t.Error("the provider ends")
					}
				default:
					if c.gone {
						t.Error("the provider goes on")
					}
				}
				l.alarm.Stop()
			})
		})
	}
}
