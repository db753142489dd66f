package signer

import "context"

// Expendable gives the context to a goroutine that asks a signer and is left behind if no
// answer comes in time: nobody waits for the goroutine itself. A signer in this process may
// then make calls right there that nobody can interrupt.
func Expendable(ctx context.Context) context.Context {
	return context.WithValue(ctx, expendable{}, true)
}

// IsExpendable reports whether the context is [Expendable]'s.
func IsExpendable(ctx context.Context) bool { return ctx.Value(expendable{}) != nil }

type expendable struct{}
