package bos

import "context"

type (
	permissionKey struct{}
	actingKey     struct{}
)

// WithPermission gives the calls under ctx somebody to ask whether a node may
// still be acted on. Adapters ask right before each request that changes
// something, also where it waited for its turn, and answer CallNotAttempted for
// a node of which the answer is no; what has been sent is ended as ever. A
// cancelled context would leave calls behind of which nobody knows whether they
// took effect. may is called by many goroutines at once.
func WithPermission(ctx context.Context, may func(node string) bool) context.Context {
	return context.WithValue(ctx, permissionKey{}, may)
}

// MayAct reports whether all these nodes may be acted on now. Without anybody to
// ask they may.
func MayAct(ctx context.Context, nodes ...string) bool {
	may, ok := ctx.Value(permissionKey{}).(func(string) bool)
	if !ok {
		return true
	}
	for _, id := range nodes {
		if !may(id) {
			return false
		}
	}
	return true
}

// Permitted divides nodes into those that may be acted on now and the others.
func Permitted(ctx context.Context, nodes []string) (permitted, denied []string) {
	for _, id := range nodes {
		if MayAct(ctx, id) {
			permitted = append(permitted, id)
		} else {
			denied = append(denied, id)
		}
	}
	return permitted, denied
}

// ActingOn says which nodes the requests under ctx act on, for MaySend.
func ActingOn(ctx context.Context, nodes ...string) context.Context {
	return context.WithValue(ctx, actingKey{}, nodes)
}

// MaySend reports whether a request under ctx that changes something may be sent
// now: whether all nodes that it acts on may be.
func MaySend(ctx context.Context) bool {
	nodes, _ := ctx.Value(actingKey{}).([]string)
	return MayAct(ctx, nodes...)
}

// NotPermitted says why nothing was sent to a node.
const NotPermitted = "nothing was sent: the node is no longer to be acted on for this, or this service may no longer act"
