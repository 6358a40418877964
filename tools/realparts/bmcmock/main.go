// Command bmcmock runs Redfish BMC mocks, one per address given, until it is
// told to end. They speak plain HTTP and want the Basic credentials
// admin:adminpass.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/ironcore-dev/metal-operator/bmc/mock/server"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: bmcmock ADDRESS...; each address is a host and a port")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var all sync.WaitGroup
	for _, address := range os.Args[1:] {
		all.Go(func() {
			if err := server.NewMockServer(logr.Discard(), address, server.WithAuth()).Start(ctx); err != nil {
				log.Print(err)
			}
		})
	}
	all.Wait()
}
