//go:build cgo

package node_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
)

// BenchmarkPlaintextShareExists measures how long a plaintext share exists in an export:
// from the call that opens it in the token, that call included, to the wiping of its
// memory. These are the steps of a node's export between its two writes.
func BenchmarkPlaintextShareExists(b *testing.B) {
	ctx := context.Background()
	token := hsmtest.Token(b)
	text, err := locked.New(232) // as long as a real one
	if err != nil {
		b.Fatal(err)
	}
	defer text.Destroy()
	place := []byte("place")
	blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, text, place)
	if err != nil {
		b.Fatal(err)
	}
	transport, err := envelope.GenerateDecryptionKey()
	if err != nil {
		b.Fatal(err)
	}
	defer transport.Destroy()
	var lives []time.Duration
	for b.Loop() {
		start := time.Now()
		share, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, place, envelope.Overhead)
		if err != nil {
			b.Fatal(err)
		}
		_, err = transport.EncryptionKey().Seal(share)
		share.Destroy()
		lives = append(lives, time.Since(start))
		if err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(lives)
	b.ReportMetric(float64(lives[len(lives)/2].Microseconds()), "median-µs")
	b.ReportMetric(float64(lives[len(lives)*99/100].Microseconds()), "p99-µs")
}
