//go:build cgo

package node_test

import (
	"context"
	"testing"

	"keyferry/server/signer"
	"keyferry/shares/statement"
)

// BenchmarkExport is a signer's whole part of an export, and of it what the statement
// costs: its signature in the token, and its verification at the server.
//
//	go test -bench Export -run '^$' ./server/signer/node
func BenchmarkExport(b *testing.B) {
	c := newCluster(b, 2)
	request := signer.Request{Action: c.signExport(b)}
	share, err := c.Nodes[0].Export(context.Background(), request)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Nodes[0].Export(context.Background(), request); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sign statement", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := statement.Sign(share.Statement.Statement, share.Signer, c.Nodes[0].Identity()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify statement", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := share.Statement.Verify(c.Nodes[0].Info().Member); err != nil {
				b.Fatal(err)
			}
		}
	})
}
