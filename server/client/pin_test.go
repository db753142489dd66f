package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"keyferry/shares/attest"
	"keyferry/shares/attest/attesttest"
	"keyferry/shares/envelope/envelopetest"
	"keyferry/shares/manifest"
	"keyferry/shares/recovery"
)

// keeper is a server of a real cluster, honest or not.
type keeper struct {
	liar
	signers any
	export  any
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, known := map[string]any{"/signers": k.signers, "/keys/" + attesttest.Key + "/export": k.export}[r.URL.Path]
	if !known {
		k.liar.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

func listing(members []manifest.MemberJSON) any {
	return map[string]any{"clusters": []any{map[string]any{"clusterId": "cl-test", "signers": members}}}
}

// connectPinned returns a client that pins the manifest.
func connectPinned(t *testing.T, k *keeper, pinned manifest.Manifest) *Client {
	t.Helper()
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	credential, _ := ed25519Credential(t)
	c, err := New(Config{
		URL: server.URL, Token: testToken, Credential: credential, Manifest: &pinned, Expect: Expectation{Organisation: testOrganisation},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestPinnedClientTakesThePinnedSignersOnly(t *testing.T) {
	cluster, other := attesttest.New(t), attesttest.New(t)
	k := &keeper{signers: listing(cluster.Listing())}
	c := connectPinned(t, k, cluster.Manifest)
	signers, err := c.Signers(context.Background())
	if err != nil || len(signers) != attesttest.Signers || signers[0].EncryptionKey != cluster.Listing()[0].EncryptionKey {
		t.Fatalf("the pinned ones: %v, %v", signers, err)
	}
	swapped := cluster.Listing()
	swapped[0].EncryptionKey = other.Listing()[0].EncryptionKey
	for name, listed := range map[string][]manifest.MemberJSON{
		"another encryption key": swapped, "another cluster": other.Listing(), "one fewer": cluster.Listing()[1:],
	} {
		k.signers = listing(listed)
		if signers, err := c.Signers(context.Background()); !errors.Is(err, attest.ErrSigners) || signers != nil {
			t.Errorf("%s: %v, %v", name, signers, err)
		}
	}
}

func TestPinnedClientTakesAnExportOfThePinnedSignersOnly(t *testing.T) {
	cluster, other := attesttest.New(t), attesttest.New(t)
	to, err := recovery.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(to.Destroy)
	honest := cluster.Export(t, to.EncryptionKey())
	k := &keeper{export: honest}
	c := connectPinned(t, k, cluster.Manifest)
	response, err := c.Export(context.Background(), attesttest.Key, to)
	if err != nil {
		t.Fatal(err)
	}
	recovered, err := to.Recover(response, recovery.Options{PublicKey: cluster.PublicKey, Pin: c.Pin(attesttest.Key)})
	if err != nil || len(recovered.Bad) > 0 {
		t.Fatalf("%+v, %v", recovered, err)
	}
	recovered.Destroy()
	bare := honest.Copy()
	bare.Statements = nil
	for name, answer := range map[string]attesttest.Answer{
		"no statements": bare, "another cluster's shares": other.Export(t, to.EncryptionKey()),
		"shares for another key": cluster.Export(t, envelopetest.EncryptionKey(t)),
	} {
		k.export = answer
		if _, err := c.Export(context.Background(), attesttest.Key, to); !errors.Is(err, attest.ErrQuorum) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A client hears of an identity key only when it needs it, and believes the pinned one.
func TestPinnedClientTakesTheSharesOfASignerWithALaterIdentityKey(t *testing.T) {
	for name, test := range map[string]struct {
		tell func(k *keeper, rotated, foreign *attesttest.Cluster)
		bad  int
	}{
		"linked":          {func(k *keeper, rotated, _ *attesttest.Cluster) { k.signers = listing(rotated.Listing()) }, 0},
		"not listed":      {func(*keeper, *attesttest.Cluster, *attesttest.Cluster) {}, 1},
		"another cluster": {func(k *keeper, _, foreign *attesttest.Cluster) { k.signers = listing(foreign.Listing()) }, 1},
		"not linked": {func(k *keeper, rotated, _ *attesttest.Cluster) {
			listed := rotated.Listing()
			listed[2].IdentityLinks[0] = listed[2].Signature
			k.signers = listing(listed)
		}, 1},
	} {
		cluster := attesttest.New(t)
		pinned := cluster.Manifest
		cluster.Rotate(t, 2)
		to, err := recovery.New()
		if err != nil {
			t.Fatal(err)
		}
		defer to.Destroy()
		k := &keeper{export: cluster.Export(t, to.EncryptionKey())}
		test.tell(k, cluster, attesttest.New(t))
		c := connectPinned(t, k, pinned)
		response, err := c.Export(context.Background(), attesttest.Key, to)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		recovered, err := to.Recover(response, recovery.Options{PublicKey: cluster.PublicKey, Pin: c.Pin(attesttest.Key)})
		if err != nil || len(recovered.Bad) != test.bad {
			t.Fatalf("%s: %+v, %v", name, recovered, err)
		}
		recovered.Destroy()
	}
}

func TestAPinNeedsAnOrganisationOfTheSameDeployment(t *testing.T) {
	pinned := attesttest.New(t).Manifest
	for name, test := range map[string]struct {
		expect Expectation
		taken  bool
	}{
		"no organisation":    {Expectation{}, false},
		"another deployment": {Expectation{Deployment: "other", Organisation: testOrganisation}, false},
		"the same":           {Expectation{Deployment: attesttest.Deployment, Organisation: testOrganisation}, true},
		"no deployment":      {Expectation{Organisation: testOrganisation}, true},
	} {
		c, err := New(Config{URL: "https://keys.example.com", Token: testToken, Manifest: &pinned, Expect: test.expect})
		if (err == nil) != test.taken {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && c.config.Expect.Deployment != attesttest.Deployment {
			t.Errorf("%s: a challenge of another deployment would be signed", name)
		}
	}
}

func TestWithoutAManifestNothingIsPinned(t *testing.T) {
	c, err := New(Config{URL: "https://keys.example.com", Token: testToken})
	if err != nil || c.Pin("key-1") != nil {
		t.Errorf("pinned %+v, %v", c.Pin("key-1"), err)
	}
}
