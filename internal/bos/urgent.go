package bos

import "context"

type urgentKey struct{}

// Urgent says of the reads of a store under ctx that they wait behind none of those
// without: the engine and the health check have a way of their own beside clients.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// IsUrgent reports whether ctx says so.
func IsUrgent(ctx context.Context) bool {
	urgent, _ := ctx.Value(urgentKey{}).(bool)
	return urgent
}
