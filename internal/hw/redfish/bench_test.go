package redfish_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// cheap is a TLS listener on every loopback address that answers each request
// with the same bytes: it costs as little as it can beside the client.
type cheap struct {
	port string
	pool *x509.CertPool
}

const (
	cheapBody   = `{"@odata.type":"#ComputerSystem.v1_5_0.ComputerSystem","Id":"Node0","Status":{"State":"Enabled","Health":"OK"},"PowerState":"On","Actions":{"#ComputerSystem.Reset":{"target":"/redfish/v1/Systems/Node0/Actions/ComputerSystem.Reset","ResetType@Redfish.AllowableValues":["On","ForceOff","Off"]}}}`
	cheapAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: nC\r\nOData-Version: 4.0\r\n"
)

func startCheap(b *testing.B) cheap {
	b.Helper()
	config, pool := mint(b, "*.bmc.localhost")
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerCheaply(tls.Server(conn, config))
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	return cheap{port, pool}
}

func answerCheaply(conn *tls.Conn) {
	defer conn.Close() //nolint:errcheck // the client is gone
	reader := bufio.NewReaderSize(conn, 1024)
	answer := fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", cheapAnswer, len(cheapBody), cheapBody)
	for {
		body := 0
		for {
			line, err := reader.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) > 16 && strings.EqualFold(string(line[:16]), "content-length: ") {
				_, _ = fmt.Sscan(string(line[16:]), &body)
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := io.CopyN(io.Discard, reader, int64(body)); err != nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

func (c cheap) client(b *testing.B, n int) (*redfish.Client, []string) {
	b.Helper()
	endpoints := make(map[string]redfish.Endpoint, n)
	ids := make([]string, n)
	for i := range n {
		ids[i] = fmt.Sprintf("x%dc%ds%db0n0", 1000+i/512, i/64%8, i%64)
		path := "/redfish/v1/Systems/Node0"
		endpoints[ids[i]] = redfish.Endpoint{
			Address: fmt.Sprintf("n%d.bmc.localhost:%s", i, c.port), System: path,
			Target: path + "/Actions/ComputerSystem.Reset", ResetTypes: []string{"On", "ForceOff", "Off"},
		}
	}
	client := redfish.New(redfish.Config{
		CA: trusted(c.pool), User: user, Password: password,
		Endpoints: func(context.Context) (map[string]redfish.Endpoint, error) { return endpoints, nil },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+c.port)
		},
	})
	b.Cleanup(client.Close)
	return client, ids
}

var errNotOn = errors.New("not on")

func probeAll(c *redfish.Client, ids []string) (err error) {
	c.Probe(context.Background(), ids, func(r bos.PowerReading) {
		if r.State != bos.PowerStateOn {
			err = fmt.Errorf("%w: %s", errNotOn, r.Detail)
		}
	})
	return err
}

// BenchmarkProbe is what a probe of a BMC costs on a connection that is kept, and
// on a new one.
func BenchmarkProbe(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("kept/%d", n), func(b *testing.B) {
			client, ids := startCheap(b).client(b, n)
			if err := probeAll(client, ids); err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				if err := probeAll(client, ids); err != nil {
					b.Fatal(err)
				}
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/request")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N*n), "allocs/request")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N*n), "B/request")
			b.ReportMetric(float64(after.HeapInuse+after.StackInuse)/float64(n)/1024, "KiB/BMC")
		})
	}
	b.Run("new/1000", func(b *testing.B) {
		server := startCheap(b)
		for b.Loop() {
			client, ids := server.client(b, 1000)
			if err := probeAll(client, ids); err != nil {
				b.Fatal(err)
			}
			client.Close()
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*1000), "µs/request")
	})
}

// BenchmarkReset is what a reset costs on a connection that is kept.
func BenchmarkReset(b *testing.B) {
	const n = 1000
	client, ids := startCheap(b).client(b, n)
	if err := probeAll(client, ids); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		client.Apply(context.Background(), bos.PowerForceOff, ids, func(r bos.CallResult) {
			if r.Outcome != bos.CallDone {
				b.Errorf("%+v", r)
			}
		})
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/request")
}
