//go:build cgo

package sandbox

import (
	"net"
	"slices"
	"testing"
)

func TestSignersHaveAPortOfTheirOwn(t *testing.T) {
	const many = 100
	addresses, err := freeAddresses(many)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(addresses)
	if distinct := slices.Compact(addresses); len(distinct) != many {
		t.Errorf("%d of %d addresses are different", len(distinct), many)
	}
	for _, address := range addresses {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Error(err)
			continue
		}
		listener.Close()
	}
}
