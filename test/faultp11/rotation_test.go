//go:build linux && cgo

package faultp11_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/server/signer/node"
	"keyferry/shares/locked"
)

// ofRotations are the functions that make, list and destroy share-wrapping keys.
func ofRotations(t *testing.T) []faulting {
	t.Helper()
	names := []string{"C_GenerateKey", "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal", "C_GetAttributeValue", "C_DestroyObject"}
	var functions []faulting
	for _, scenario := range []string{"ceremony", "login", "hash"} {
		for _, f := range of(t, scenario, true) {
			if slices.Contains(names, f.name) {
				functions = append(functions, f)
			}
		}
	}
	if len(functions) != len(names) {
		t.Fatalf("the table has %d of %d functions", len(functions), len(names))
	}
	return functions
}

// Whatever a function answers while a key takes another's place: the error is typed, what
// was sealed opens on, a step that failed can be done again, a key being made under another
// name, and in the end there is one key.
func TestEveryFaultDuringARotationIsTypedAndItGoesOn(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	old, next := hsm.FirstWrappingKey, hsm.FirstWrappingKey
	for _, f := range ofRotations(t) {
		for _, c := range f.codes {
			blob, err := token.SealShare(ctx, old, secret(t, shareText), nil)
			if err != nil {
				t.Fatal(err)
			}
			before := stats(t).Calls[f.name]
			again(t, f, c, "making", func() error {
				next++
				_, err := token.MakeWrappingKey(ctx, next)
				return err
			})
			plaintext, err := token.OpenShare(ctx, old, blob, nil, 0)
			if err != nil {
				t.Fatalf("%s once %s: what was sealed does not open: %v", f.name, c.name, err)
			}
			plaintext.Destroy()
			again(t, f, c, "destroying", func() error { return destroyOlder(token, next) })
			met(t, f, before)
			old = next
			if keys, err := token.WrappingKeys(ctx); err != nil || !slices.Equal(keys, []hsm.WrappingKey{old}) {
				t.Fatalf("%s once %s: the token has %v, %v; not %v", f.name, c.name, keys, err, old)
			}
		}
	}
}

// again does a step with the fault, and where that fails without it.
func again(t *testing.T, f faulting, c code, what string, step func() error) {
	t.Helper()
	plan(t, f.once(c))
	err := step()
	plan(t)
	if err == nil {
		return
	}
	if !errors.Is(err, kind(c)) && !errors.Is(err, hsm.ErrKeysChanged) {
		t.Errorf("%s, %s once %s: %v", what, f.name, c.name, err)
	}
	if err := step(); err != nil {
		t.Fatalf("%s again after %s once %s: %v", what, f.name, c.name, err)
	}
}

func destroyOlder(token *hsm.Token, than hsm.WrappingKey) error {
	keys, err := token.WrappingKeys(context.Background())
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key == than {
			break
		}
		if err := token.DestroyWrappingKey(context.Background(), key); err != nil {
			return err
		}
	}
	return nil
}

// opening is a token that shows what a signer got of it, and has something happen after.
type opening struct {
	*hsm.Token
	opened func(*locked.Buffer)
}

func (o opening) OpenShare(ctx context.Context, key hsm.WrappingKey, blob, aad []byte, room int) (*locked.Buffer, error) {
	plaintext, err := o.Token.OpenShare(ctx, key, blob, aad, room)
	if err == nil {
		o.opened(plaintext)
	}
	return plaintext, err
}

// A share is plain while the token seals it anew and opens what it sealed. If the token
// hangs in that, the share does not stay plain until it comes back.
func TestShareIsNotLeftPlainWhereResealingHangs(t *testing.T) {
	for _, function := range []string{"C_EncryptInit", "C_DecryptInit"} {
		d := newDeployment(t, 2, 2)
		var plain *locked.Buffer
		n := d.Restart(t, 0, func(c *node.Config) {
			c.Token = opening{c.Token.(*hsm.Token), func(opened *locked.Buffer) {
				plain = opened
				plan(t, function+" call=1 hang")
			}}
		})
		token := n.Token.(opening)
		rotation := node.Rotation{Node: n, Token: token, Made: func(hsm.KeyState) {}, Resealed: func(int) {}}
		if _, err := rotation.Run(context.Background()); !errors.Is(err, hsm.ErrHung) {
			t.Fatalf("%s hangs: %v", function, err)
		}
		if stats(t).Hanging != 1 || plain == nil || plain.Bytes() != nil {
			t.Errorf("%s hangs: the share is still there", function)
		}
		plan(t)
		soon(t, "the token", func() error { return token.TryWrappingKey(context.Background(), hsm.FirstWrappingKey) })
	}
}
