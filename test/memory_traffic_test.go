//go:build cgo

package test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/server/client"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
	"keyferry/test/memscan"
)

// traffic runs exports and imports as a client that keeps note of every secret that the
// server had to do with: it knows the keys of both ends of the envelopes.
type traffic struct {
	client *client.Client
	apart  bool // give each secret a name of its own

	mu      sync.Mutex
	scanner *memscan.Scanner
}

func (w *traffic) note(name string, secret []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.apart {
		name = fmt.Sprintf("%s, number %d", name, w.scanner.Secrets())
	}
	w.scanner.Add(name, secret)
}

// noteAgreement notes a shared point's x and the AES key that follows from the point.
func (w *traffic) noteAgreement(what string, shared []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, shared, []byte("DFNS_KEY_IMPORT"), "ENCRYPTION_KEY", 32)
	if err != nil {
		return nil, err
	}
	w.note("shared point of an "+what, shared[1:])
	w.note("AES key of an "+what, key)
	return key, nil
}

// times runs work so many times, some of them at a time.
func times(n, atATime int, work func(context.Context) error) error {
	errs := make([]error, n)
	turns := make(chan int)
	var all sync.WaitGroup
	for range atATime {
		all.Go(func() {
			for i := range turns {
				errs[i] = work(context.Background())
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	all.Wait()
	return errors.Join(errs...)
}

// export exports a key with a transport key of its own.
func (w *traffic) export(ctx context.Context, id string, scheme shares.Scheme) error {
	transport, err := envelope.GenerateDecryptionKey()
	if err != nil {
		return err
	}
	defer transport.Destroy()
	saved, err := transport.Bytes()
	if err != nil {
		return err
	}
	defer saved.Destroy()
	to, err := exportContext(saved)
	if err != nil {
		return err
	}
	defer to.Destroy()
	response, err := w.client.Export(ctx, id, to)
	if err != nil {
		return err
	}
	w.note("transport key", saved.Bytes()[1:])
	for _, sealed := range response.Shares {
		shared, err := agree(saved.Bytes()[1:], sealed.Envelope[len(sealed.Envelope)-33:])
		if err != nil {
			return err
		}
		if _, err := w.noteAgreement("export", shared); err != nil {
			return err
		}
		if err := w.noteShare(transport, sealed.Envelope, scheme); err != nil {
			return err
		}
	}
	return nil
}

func exportContext(saved *locked.Buffer) (*recovery.Context, error) {
	text := fmt.Sprintf("keyferry-export-context-v1 %x\n", saved.Bytes())
	buffer, err := locked.New(len(text))
	if err != nil {
		return nil, err
	}
	defer buffer.Destroy()
	copy(buffer.Bytes(), text)
	return recovery.Parse(buffer)
}

func (w *traffic) noteShare(transport *envelope.DecryptionKey, sealed []byte, scheme shares.Scheme) error {
	plaintext, err := transport.Open(sealed)
	if err != nil {
		return err
	}
	defer plaintext.Destroy()
	share, err := shares.ParseExport(plaintext, scheme.Curve())
	if err != nil {
		return err
	}
	defer share.Destroy()
	w.note("exported share", share.Secret.Bytes())
	return nil
}

// imports deals a key to recipients of its own, and then seals what they were dealt to
// the cluster's signers.
func (w *traffic) imports(ctx context.Context, scheme shares.Scheme) (id string, err error) {
	signers, err := w.client.Signers(ctx)
	if err != nil {
		return "", err
	}
	secret, err := locked.New(32)
	if err != nil {
		return "", err
	}
	defer secret.Destroy()
	rand.Read(secret.Bytes()[1:])
	secret.Bytes()[0] = 0x03 // below the order of every curve
	w.note("imported private key", secret.Bytes())
	request, err := w.deal(scheme, signers, secret)
	if err != nil {
		return "", err
	}
	public, err := scheme.Curve().MulBase(secret)
	if err != nil {
		return "", err
	}
	key, err := w.client.SendShares(ctx, request, public)
	return key.ID, err
}

func (w *traffic) deal(scheme shares.Scheme, signers []dealer.Signer, secret *locked.Buffer) (dealer.Request, error) {
	plan := dealer.Plan{Scheme: scheme, MinSigners: 3}
	recipients, keys := map[string]string{}, map[string]*envelope.DecryptionKey{}
	for _, s := range signers {
		own, err := envelope.GenerateDecryptionKey()
		if err != nil {
			return dealer.Request{}, err
		}
		defer own.Destroy()
		recipients[s.SignerID], keys[s.SignerID] = s.EncryptionKey, own
		plan.Signers = append(plan.Signers, dealer.Signer{SignerID: s.SignerID, EncryptionKey: own.EncryptionKey().String()})
	}
	request, err := dealer.Deal(plan, secret)
	if err != nil {
		return dealer.Request{}, err
	}
	for i, dealt := range request.EncryptedKeyShares {
		sealed, err := w.reseal(keys[dealt.SignerID], dealt.EncryptedKeyShare, recipients[dealt.SignerID], scheme, len(signers))
		if err != nil {
			return dealer.Request{}, err
		}
		request.EncryptedKeyShares[i].EncryptedKeyShare = sealed
	}
	return request, nil
}

func (w *traffic) reseal(own *envelope.DecryptionKey, dealt, recipient string, scheme shares.Scheme, n int) (string, error) {
	sealed, err := base64.StdEncoding.DecodeString(dealt)
	if err != nil {
		return "", err
	}
	plaintext, err := own.Open(sealed)
	if err != nil {
		return "", err
	}
	defer plaintext.Destroy()
	share, err := shares.ParseImport(plaintext, scheme.Curve(), n)
	if err != nil {
		return "", err
	}
	defer share.Destroy()
	w.note("imported share", share.Secret.Bytes())
	return w.sealTo(recipient, plaintext.Bytes())
}

// sealTo makes an envelope whose shared point the test knows.
func (w *traffic) sealTo(recipient string, plaintext []byte) (string, error) {
	encoded, err := base64.StdEncoding.DecodeString(recipient)
	if err != nil {
		return "", err
	}
	ephemeral, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return "", err
	}
	shared, err := agree(ephemeral.Serialize(), encoded[1:])
	if err != nil {
		return "", err
	}
	key, err := w.noteAgreement("import", shared)
	if err != nil {
		return "", err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", err
	}
	sealed := gcm.Seal(nil, make([]byte, 12), bytes.Clone(plaintext), nil)
	return base64.StdEncoding.EncodeToString(append(sealed, ephemeral.PubKey().SerializeCompressed()...)), nil
}

// agree returns scalar·point, compressed.
func agree(scalar, point []byte) ([]byte, error) {
	peer, err := secp256k1.ParsePubKey(point)
	if err != nil {
		return nil, err
	}
	var product, base secp256k1.JacobianPoint
	peer.AsJacobian(&base)
	secp256k1.ScalarMultNonConst(&secp256k1.PrivKeyFromBytes(scalar).Key, &base, &product)
	product.ToAffine()
	return secp256k1.NewPublicKey(&product.X, &product.Y).SerializeCompressed(), nil
}

// run imports a key of each of two schemes, exports it, and imports others.
func (w *traffic) run(t *testing.T, exports, imports, atATime int) {
	t.Helper()
	for _, scheme := range []shares.Scheme{scheme(t, "CGGMP21", "secp256k1"), scheme(t, "FROST", "ed25519")} {
		id, err := w.imports(context.Background(), scheme)
		if err != nil {
			t.Fatal(err)
		}
		if err := times(exports/2, atATime, func(ctx context.Context) error { return w.export(ctx, id, scheme) }); err != nil {
			t.Fatal(err)
		}
		err = times(imports/2, atATime, func(ctx context.Context) error {
			_, err := w.imports(ctx, scheme)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		// One of each comes last: pages for secrets are used in turns, and what is left
		// on them would else be all of one kind.
		if err := w.export(context.Background(), id, scheme); err != nil {
			t.Fatal(err)
		}
	}
}

func scheme(t *testing.T, protocol, curve string) shares.Scheme {
	t.Helper()
	scheme, err := shares.ParseScheme(protocol, curve)
	if err != nil {
		t.Fatal(err)
	}
	return scheme
}
