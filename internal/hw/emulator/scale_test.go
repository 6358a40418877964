package emulator

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/bmc"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// bmcClient keeps a connection to each BMC, of the curves that BMCs have.
func bmcClient(s *Server, kept int) *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConns: kept, MaxIdleConnsPerHost: 1,
		TLSClientConfig: &tls.Config{
			RootCAs: s.Endpoints().CA, MinVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.X25519},
			ClientSessionCache: tls.NewLRUClientSessionCache(kept),
		},
	}}
}

// BenchmarkTenThousandBMCs reads and resets a node on each of 10,000 BMCs, or as
// many as files may be open for, over TLS with a connection each, by a client in
// the same process. It reports what all cost the first time, on kept connections,
// and on new ones with a session ticket; and the memory of both ends.
func BenchmarkTenThousandBMCs(b *testing.B) {
	count := 10_000
	if limit, ok := openFiles(); ok {
		count = min(count, (int(limit)-otherFiles)/2)
	}
	for b.Loop() {
		begin := time.Now()
		s, err := Start(b.Context(), ServerConfig{Config: machineroom.Config{Nodes: count, NodesPerBMC: 1, PowerTime: time.Hour}, Listen: "127.0.0.1:0"})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(count), "BMCs")
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "start-ms")
		client := bmcClient(s, count)
		round := func(name, method string) {
			begin := time.Now()
			everyBMC(b, s, client, method)
			b.ReportMetric(float64(time.Since(begin).Milliseconds()), name+"-ms")
		}
		round("first", http.MethodGet)
		round("kept", http.MethodPost)
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapInuse+m.StackInuse)/(1<<20), "both-ends-MiB")
		client.CloseIdleConnections()
		round("resumed", http.MethodGet)
		client.CloseIdleConnections()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// everyBMC sends one request to each BMC, 64 at a time.
func everyBMC(b *testing.B, s *Server, client *http.Client, method string) {
	b.Helper()
	work := make(chan machineroom.System, len(s.room.Systems()))
	for _, n := range s.room.Systems() {
		work <- n
	}
	close(work)
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for n := range work {
				if err := oneBMC(b, s, client, n, method); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func oneBMC(b *testing.B, s *Server, client *http.Client, n machineroom.System, method string) error {
	path, body := n.Endpoint.System, ""
	if method == http.MethodPost {
		path, body = n.Endpoint.Target, `{"ResetType":"On"}`
	}
	req, err := http.NewRequestWithContext(b.Context(), method, "https://"+s.addresses.of[n.Endpoint.BMC]+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(bmc.User, bmc.Password)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s was answered %s", method, path, res.Status)
	}
	return nil
}
