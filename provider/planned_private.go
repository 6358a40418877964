package provider

import (
	"context"
	"encoding/json"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// plannedPrivateField is planned_private of PlanResourceChange: from protocol 6.11
// on, which Terraform has from 1.16 on, the planning call during an apply gets the
// private data of the plan that is applied. The library that we talk to Terraform
// with does not know the field yet and keeps it among what it does not know.
const plannedPrivateField = 9

type plannedPrivateKey struct{}

// withPlannedPrivate hands the planned private data of a call on in its context.
func withPlannedPrivate(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if message, ok := req.(proto.Message); ok && strings.HasSuffix(info.FullMethod, "/PlanResourceChange") {
		if private := bytesField(message.ProtoReflect().GetUnknown(), plannedPrivateField); len(private) > 0 {
			ctx = context.WithValue(ctx, plannedPrivateKey{}, private)
		}
	}
	return next(ctx, req)
}

// bytesField is the last value of a field of bytes among fields that nobody read; nil
// if there is none or they cannot be read.
func bytesField(fields []byte, wanted protowire.Number) (value []byte) {
	for len(fields) > 0 {
		number, kind, n := protowire.ConsumeTag(fields)
		if n < 0 {
			return nil
		}
		fields = fields[n:]
		if number == wanted && kind == protowire.BytesType {
			content, n := protowire.ConsumeBytes(fields)
			if n < 0 {
				return nil
			}
			value, fields = content, fields[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(number, kind, fields); n < 0 {
			return nil
		}
		fields = fields[n:]
	}
	return value
}

// reviewedIn is the number of the preview in private data as the framework writes
// it; empty if there is none.
func reviewedIn(private []byte) string {
	var keys map[string][]byte
	if json.Unmarshal(private, &keys) != nil {
		return ""
	}
	return receiptIn(keys[privateReceipt])
}

// withReviewed is the context for planning, with the preview that is being applied
// where Terraform told of one.
func withReviewed(ctx context.Context) context.Context {
	private, _ := ctx.Value(plannedPrivateKey{}).([]byte)
	ctx = replacing(ctx, replacesIn(private))
	if receipt := reviewedIn(private); receipt != "" {
		return reviewedBy(ctx, receipt)
	}
	return ctx
}
