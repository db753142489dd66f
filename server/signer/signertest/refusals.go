//go:build cgo

package signertest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"keyferry/server/fault"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/useraction"
	"keyferry/test/rig"
)

// refusalsComeAsGiven compares kind, reason and message with those of the node, and
// that is what the record and the caller see of it.
func refusalsComeAsGiven(t *testing.T, c *cluster) {
	key := c.importKey(t)
	for name, test := range map[string]struct {
		action func() useraction.Signed
		want   *fault.Error
	}{
		"an edited payload":    {func() useraction.Signed { return edited(c.signExport(t, key)) }, signer.ErrConsent},
		"another signature":    {func() useraction.Signed { return resigned(c, c.signExport(t, key)) }, signer.ErrReplayed},
		"no such key":          {func() useraction.Signed { return c.signExport(t, "key-none") }, signer.ErrNoShare},
		"a frozen key":         {func() useraction.Signed { return c.frozen(t) }, signer.ErrFrozen},
		"schemes it lacks":     {func() useraction.Signed { return c.otherSchemes(t, string(key)) }, signer.ErrScheme},
		"a share not to open":  {func() useraction.Signed { return c.badImport(t) }, node.ErrBadShare},
		"an action that ended": {func() useraction.Signed { return c.ended(t, string(key)) }, signer.ErrConsent},
	} {
		action := test.action()
		ask := func(one signer.Signer) error {
			_, err := one.Export(context.Background(), signer.Request{Action: action})
			return err
		}
		if action.Input.Path == signer.ImportPath {
			ask = func(one signer.Signer) error {
				_, err := one.Prepare(context.Background(), signer.Request{Action: action})
				return err
			}
		}
		err := ask(c.signers[0])
		if !errors.Is(err, test.want) || !signer.Refused(err) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if f, _ := errors.AsType[*fault.Error](err); f.Kind != test.want.Kind || f.Message != test.want.Message {
			t.Errorf("%s: came as %+v", name, f)
		}
	}
}

func edited(a useraction.Signed) useraction.Signed {
	a.Payload += " "
	return a
}

// resigned uses the action at the first signer, and signs its challenge once more.
func resigned(c *cluster, a useraction.Signed) useraction.Signed {
	if _, err := c.export(a); err != nil {
		return useraction.Signed{}
	}
	a.ClientData = []byte(strings.Replace(string(a.ClientData), "{", "{ ", 1))
	a.Signature = c.SignBytes(a.ClientData)
	return a
}

func (c *cluster) frozen(t *testing.T) useraction.Signed {
	t.Helper()
	key := c.importKey(t)
	if err := c.Nodes[0].Freeze(context.Background(), node.Key(key)); err != nil {
		t.Fatal(err)
	}
	return c.signExport(t, key)
}

func (c *cluster) otherSchemes(t *testing.T, key string) useraction.Signed {
	t.Helper()
	body := `{"encryptionKey":"` + c.client.Request().EncryptionKey + `","supportedSchemes":[{"protocol":"FROST","curve":"ed25519"}]}`
	return c.Sign(t, "/keys/"+key+"/export", body)
}

// badImport gives the first signer an envelope that does not open.
func (c *cluster) badImport(t *testing.T) useraction.Signed {
	t.Helper()
	body := c.Deal(t, rig.Scheme(t, "CGGMP21", "secp256k1"), threshold, rig.Secret(t))
	return c.Sign(t, signer.ImportPath, strings.Replace(body, `"minSigners":2`, `"minSigners":3`, 1))
}

func (c *cluster) ended(t *testing.T, key string) useraction.Signed {
	t.Helper()
	c.Clock.Advance(-time.Hour)
	defer c.Clock.Advance(time.Hour)
	body := `{"encryptionKey":"` + c.client.Request().EncryptionKey + `","supportedSchemes":[{"protocol":"CGGMP21","curve":"secp256k1"}]}`
	return c.Sign(t, "/keys/"+key+"/export", body)
}

// troubleStaysOpen closes the node's store: what it did is not known then.
func troubleStaysOpen(t *testing.T, c *cluster) {
	action := c.signExport(t, c.importKey(t))
	if err := c.Stores[0].Close(); err != nil {
		t.Fatal(err)
	}
	share, err := c.export(action)
	if err == nil || share.Ciphertext != nil || signer.Refused(err) {
		t.Errorf("got %v", err)
	}
}
