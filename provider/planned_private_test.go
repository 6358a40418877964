package provider

import (
	"context"
	"net"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protowire"
)

// wire sends and receives messages as they are.
type wire struct{}

func (wire) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (wire) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), b...)
	return nil
}
func (wire) Name() string { return "proto" }

// listening notes the preview of each planning call.
type listening struct {
	tfprotov6.ProviderServer
	heard []string
}

func (l *listening) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	l.heard = append(l.heard, reviewed(withReviewed(ctx)))
	return &tfprotov6.PlanResourceChangeResponse{PlannedState: req.PriorState}, nil
}

func TestThePlannedPrivateDataOfNewerTerraformsReachesThePlan(t *testing.T) {
	t.Parallel()
	heard := &listening{ProviderServer: NewServer(New("test")())}
	s := grpc.NewServer(grpc.ChainUnaryInterceptor(withPlannedPrivate))
	if err := (&tf6server.GRPCProviderPlugin{GRPCProvider: func() tfprotov6.ProviderServer { return heard }, Name: Address}).GRPCServer(nil, s); err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1 << 20)
	go s.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient("passthrough:bos", grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(wire{})),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // in memory
	field := func(to []byte, number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), content)
	}
	private := []byte(`{"receipt":"InIxIg=="}`) // "r1", in JSON, in base64
	if got := reviewedIn(private); got != "r1" {
		t.Fatalf("the framework's private data is read as %q", got)
	}
	for _, extra := range []func([]byte) []byte{
		func(b []byte) []byte { return b }, // an older Terraform
		func(b []byte) []byte { return field(b, plannedPrivateField, private) },
		func(b []byte) []byte {
			return field(protowire.AppendVarint(protowire.AppendTag(b, 12, protowire.VarintType), 3), plannedPrivateField, private)
		},
		func(b []byte) []byte { return field(b, plannedPrivateField, []byte("no JSON")) },
		func(b []byte) []byte { return field(b, plannedPrivateField, nil) },
	} {
		request, response := extra(field(nil, 1, []byte("bos_session"))), []byte(nil)
		if err := conn.Invoke(t.Context(), "/tfplugin6.Provider/PlanResourceChange", &request, &response); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"", "r1", "r1", "", ""}
	for i, receipt := range heard.heard {
		if receipt != want[i] {
			t.Errorf("call %d heard of %q, want %q", i, receipt, want[i])
		}
	}
	if len(heard.heard) != len(want) {
		t.Errorf("%d calls were heard", len(heard.heard))
	}
}

func TestFieldsThatCannotBeReadAreNoPlannedPrivateData(t *testing.T) {
	t.Parallel()
	for _, raw := range [][]byte{{0xff}, {9<<3 | 2, 200, 1}, {9 << 3, 1}, {0x0b}} {
		if got := bytesField(raw, plannedPrivateField); got != nil {
			t.Errorf("%x is read as %x", raw, got)
		}
	}
}
