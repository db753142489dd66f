//go:build cgo

package sandbox

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAKeptPortIsForWhoIsToldToListenThereAndForNoOtherCluster(t *testing.T) {
	const many = 100
	ports, err := freePorts(many)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		if _, err := keep(p.number); !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("%d is kept twice: %v", p.number, err)
		}
		for range 2 { // also after the first one was killed
			listener, err := net.Listen("tcp", p.address())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := keep(p.number); !errors.Is(err, unix.EADDRINUSE) {
				t.Errorf("%d is kept while somebody else listens: %v", p.number, err)
			}
			listener.Close()
		}
	}
	if err := giveBack(ports); err != nil {
		t.Fatal(err)
	}
	again, err := keep(ports[0].number)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
