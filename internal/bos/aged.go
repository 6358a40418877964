package bos

import "context"

type agedKey struct{}

// Aged marks questions whose answer may be some minutes old where nobody can give a
// newer one: those of who only reads.
func Aged(ctx context.Context) context.Context { return context.WithValue(ctx, agedKey{}, true) }

// MayBeAged reports whether an answer may be some minutes old.
func MayBeAged(ctx context.Context) bool {
	aged, _ := ctx.Value(agedKey{}).(bool)
	return aged
}
