//go:build cgo

package remote_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/server/fault"
	"keyferry/server/signer"
	"keyferry/test/rig"
)

// Ready goes all the way: to the token behind the signer behind the connection.
func TestReadyAsksTheTokenBehindTheSigner(t *testing.T) {
	ctx := context.Background()
	r := rig.New(t, 2)
	clients := connect(t, r)
	for i, one := range clients {
		if err := one.(signer.Prober).Ready(ctx); err != nil {
			t.Errorf("signer %d: %v", i, err)
		}
	}
	if err := r.Nodes[0].Token.(*hsm.Token).Close(); err != nil {
		t.Fatal(err)
	}
	if err := clients[0].(signer.Prober).Ready(ctx); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a signer whose token is closed: %v", err)
	}
	if err := clients[1].(signer.Prober).Ready(ctx); err != nil {
		t.Errorf("the other signer: %v", err)
	}
}

func TestReadyOfASignerThatIsDownIsUnavailable(t *testing.T) {
	r := rig.New(t, 2)
	p := pair{signer: r.Nodes[0].Identity(), caller: newKey(t), now: time.Now}
	at := serve(t, r.Nodes[0], "127.0.0.1:0", p.signerSide(t))
	client := dial(t, r.Nodes[0], at.address, p.callerSide(t))
	at.end()
	if err := client.Ready(context.Background()); !errors.Is(err, signer.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
