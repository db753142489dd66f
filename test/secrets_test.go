//go:build cgo

package test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyferry/server/client"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

// A run with imports, exports and refusals of every kind leaves no share, no private
// key and no PIN in databases, logs or error messages. Left out of the search is only
// where PINs and keys belong: the secrets' own folder, and client.env.
func TestNothingSecretIsWrittenAnywhere(t *testing.T) {
	s := startDev(t, t.TempDir())
	hunted := &hunt{}
	for n := 1; n <= 5; n++ {
		hunted.add(readFile(t, filepath.Join(s.dir, fmt.Sprintf("state/secrets/signer-%d.pin", n))), "PIN")
	}
	hunted.add(readFile(t, filepath.Join(s.dir, "state/secrets/security-officer.pin")), "PIN")
	for _, scheme := range shares.Schemes() {
		hunted.addKey(t, s, scheme)
	}
	messages := provoke(t, s)
	s.stop(t)

	searched := hunted.searchTree(t, s.dir)
	hunted.search(t, "standard output and error", s.output.Bytes())
	hunted.search(t, "answers", messages)
	if searched < 7 || len(hunted.secrets) < 6+4*(1+5) {
		t.Errorf("searched %d files for %d secrets", searched, len(hunted.secrets))
	}
	if !hunted.finds(append([]byte("x"), hunted.secrets[7].value...)) || !hunted.finds([]byte("{"+hex.EncodeToString(hunted.secrets[7].value)+"}")) {
		t.Error("the search does not find what is there")
	}
}

// hunt is a search for secrets, in every form in which programs write bytes.
type hunt struct {
	secrets []secret
}

type secret struct {
	name  string
	value []byte
	forms [][]byte
}

func (h *hunt) add(value []byte, name string) {
	s := secret{name: name, value: value, forms: [][]byte{value}}
	reversed := bytes.Clone(value)
	for i := range value {
		reversed[i] = value[len(value)-1-i]
	}
	for _, order := range [][]byte{value, reversed} {
		lower := hex.EncodeToString(order)
		s.forms = append(s.forms, order, []byte(lower), []byte(strings.ToUpper(lower)))
		for skip := range 3 { // base64 depends on where in a text the bytes begin
			encoded := base64.StdEncoding.EncodeToString(order[skip:])
			s.forms = append(s.forms, []byte(encoded[:len(encoded)-4]), []byte(base64.URLEncoding.EncodeToString(order[skip:])[:len(encoded)-4]))
		}
	}
	h.secrets = append(h.secrets, s)
}

// addKey imports a key, exports it, and hunts for the key and for each of its shares.
func (h *hunt) addKey(t *testing.T, s *devServer, scheme shares.Scheme) {
	t.Helper()
	ctx := context.Background()
	c := s.client(t)
	signers, err := c.Signers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	private, err := locked.New(32)
	if err != nil {
		t.Fatal(err)
	}
	defer private.Destroy()
	for i := range private.Bytes() {
		private.Bytes()[i] = byte(7 + 31*i + len(h.secrets))
	}
	private.Bytes()[0] = 0x03
	key, err := c.Import(ctx, dealer.Plan{Scheme: scheme, MinSigners: 3, Signers: signers}, private)
	if err != nil {
		t.Fatal(err)
	}
	h.add(bytes.Clone(private.Bytes()), "private key of "+scheme.String())
	h.addShares(t, c, key.ID, scheme)
}

func (h *hunt) addShares(t *testing.T, c *client.Client, key string, scheme shares.Scheme) {
	t.Helper()
	transport, err := envelope.GenerateDecryptionKey()
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Destroy()
	saved, err := transport.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Destroy()
	text, err := locked.New(len("keyferry-export-context-v1 ") + 2*saved.Len() + 1)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Destroy()
	copy(text.Bytes(), fmt.Sprintf("keyferry-export-context-v1 %x\n", saved.Bytes()))
	export, err := recovery.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	defer export.Destroy()
	response, err := c.Export(context.Background(), key, export)
	if err != nil {
		t.Fatal(err)
	}
	for _, sealed := range response.Shares {
		plaintext, err := transport.Open(sealed.Envelope)
		if err != nil {
			t.Fatal(err)
		}
		share, err := shares.ParseExport(plaintext, scheme.Curve())
		if err != nil {
			t.Fatal(err)
		}
		h.add(bytes.Clone(share.Secret.Bytes()), "share of "+scheme.String())
		share.Destroy()
		plaintext.Destroy()
	}
}

// provoke causes refusals and errors and returns what the server says to them.
func provoke(t *testing.T, s *devServer) []byte {
	t.Helper()
	ctx := context.Background()
	c := s.client(t)
	var said bytes.Buffer
	export, err := recovery.New()
	if err != nil {
		t.Fatal(err)
	}
	defer export.Destroy()
	key := s.env["KEYFERRY_KEY_ID"]
	for n := 2; n <= 4; n++ { // two of five are not enough
		spoil(t, filepath.Join(s.dir, fmt.Sprintf("state/data/signer-%d.db", n)), `UPDATE shares SET sealed = substr(sealed, 1, 40)`)
	}
	for _, id := range []string{key, "key-unknown"} {
		_, err := c.Export(ctx, id, export)
		if err == nil {
			t.Fatalf("%s was exported", id)
		}
		fmt.Fprintln(&said, err)
	}
	signers, err := c.Signers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	request := dealer.Request{MinSigners: 3, Protocol: "CGGMP21", Curve: "secp256k1"}
	for _, signer := range signers {
		request.EncryptedKeyShares = append(request.EncryptedKeyShares, dealer.EncryptedKeyShare{SignerID: signer.SignerID, EncryptedKeyShare: "AAAA"})
	}
	if _, err := c.SendShares(ctx, request, shares.Point{}); err == nil {
		t.Fatal("imported nonsense")
	} else {
		fmt.Fprintln(&said, err)
	}
	return said.Bytes()
}

func (h *hunt) searchTree(t *testing.T, dir string) (searched int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && entry.Name() == "secrets" {
				return fs.SkipDir
			}
			return err
		}
		if entry.Name() == "client.env" {
			return nil
		}
		searched++
		h.search(t, path, readFile(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return searched
}

func (h *hunt) search(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, s := range h.secrets {
		for _, form := range s.forms {
			if bytes.Contains(text, form) {
				t.Errorf("%s holds a %s", where, s.name)
				break
			}
		}
	}
}

func (h *hunt) finds(text []byte) bool {
	for _, s := range h.secrets {
		for _, form := range s.forms {
			if bytes.Contains(text, form) {
				return true
			}
		}
	}
	return false
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(content)
}
