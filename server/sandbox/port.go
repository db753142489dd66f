//go:build cgo

package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"
)

// Ports of which no system gives one to a connection that goes out.
const firstPort, portsBeyond = 10_000, 32_768

// port is one of the loopback address, kept for a process that is told to listen there:
// when it starts, and again after it was killed.
//
// What keeps it is a socket that is bound and never listens. On Linux that bars everybody
// whose socket does not have SO_REUSEADDR, and nobody who listens as Go does, whose socket
// has it; so port itself is bound without the option, which finds out whether somebody
// else keeps or uses the port, and gets it then (socket(7)).
type port struct {
	number int
	keeper *os.File
}

func (p port) address() string { return fmt.Sprintf("127.0.0.1:%d", p.number) }

// Close gives the port back.
func (p port) Close() error { return p.keeper.Close() }

// freePorts keeps n ports that nobody else keeps or uses.
func freePorts(n int) (ports []port, err error) {
	const attempts = 1000
	for range attempts {
		if len(ports) == n {
			return ports, nil
		}
		p, err := keep(firstPort + rand.N(portsBeyond-firstPort))
		if errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, giveBack(ports))
		}
		ports = append(ports, p)
	}
	return nil, errors.Join(fmt.Errorf("no %d free ports were found from %d to %d", n, firstPort, portsBeyond), giveBack(ports))
}

func giveBack(ports []port) error {
	var errs []error
	for _, p := range ports {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

func keep(number int) (port, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return port{}, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(socket)
	p := port{number, os.NewFile(uintptr(socket), "port")}
	if err := unix.Bind(socket, &unix.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return port{}, errors.Join(os.NewSyscallError("bind", err), p.Close())
	}
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return port{}, errors.Join(os.NewSyscallError("setsockopt", err), p.Close())
	}
	return p, nil
}
