package remote

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	connectTime = 10 * time.Second // the address, the handshake and the greeting
	maxGreeting = 4 << 10          // bytes of the answer to a greeting
)

// errKept says that a connection is not good for a question.
var errKept = errors.New("the signer does not keep the connection")

// dial returns a connection that the signer has taken.
//
// In TLS 1.3 the side that connects is done before the other has seen its certificate
// (RFC 8446 §2, figure 1), and would be refused when its first question is on the way
// already: nobody could say whether it was read. So each new connection begins with a
// greeting that asks for nothing, and whoever gets no answer to it has asked nothing.
func (i Identity) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := (&tls.Dialer{Config: i.clientTLS()}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := greet(ctx, conn); err != nil {
		conn.Close() // what it says about the end of a failure is of no interest
		return nil, err
	}
	return conn, nil
}

// greet waits for any answer: each shows that the signer goes on after the handshake.
func greet(ctx context.Context, conn net.Conn) error {
	until, _ := ctx.Deadline()
	if err := conn.SetDeadline(until); err != nil {
		return err
	}
	greeting, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://signer"+greetingPath, http.NoBody)
	if err != nil {
		return err
	}
	written := greeting.Write(conn) // a refusal may be there before it, to be read all the same
	// Beyond its bound an answer ends in the middle, which is an error like others.
	reader := bufio.NewReader(io.LimitReader(conn, maxGreeting))
	response, err := http.ReadResponse(reader, greeting)
	if err := errors.Join(err, written); err != nil {
		return explain(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.Close || reader.Buffered() > 0 {
		return errKept
	}
	return conn.SetDeadline(time.Time{})
}

// explain says what an operator can do about a signer's alert, which has no words of
// its own (RFC 8446 §6.2).
func explain(err error) error {
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return fmt.Errorf("%w: %w, and its log says why: its `servers` must have this server's pin "+
			"(keyferry signer server-pin), and both clocks must be right", ErrRefused, err)
	}
	return fmt.Errorf("the signer took the connection and does not answer on it: %w", err)
}
