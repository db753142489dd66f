package dealer

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/internal/vectors"
	"keyferry/shares/locked"
	"keyferry/shares/locked/lockedtest"
)

// cluster has the signers of an import vector, with their private keys.
type cluster struct {
	listed []Signer
	keys   map[string]*envelope.DecryptionKey // by signer id
	sorted []string                           // ids, by raw bytes
}

func clusterOf(t testing.TB, v vectors.Import) cluster {
	t.Helper()
	c := cluster{keys: map[string]*envelope.DecryptionKey{}}
	for _, s := range v.Signers {
		key, err := envelope.ParseDecryptionKey(lockedtest.Hex(t, "01"+s.DecryptionKeyScalarHex))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(key.Destroy)
		c.listed = append(c.listed, Signer{s.SignerID, s.EncryptionKey})
		c.keys[s.SignerID] = key
		c.sorted = append(c.sorted, s.SignerID)
	}
	slices.SortFunc(c.sorted, func(a, b string) int {
		return strings.Compare(unbase64(a), unbase64(b))
	})
	return c
}

func unbase64(text string) string {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

var errJudged = errors.New("refused")

// judge does what a service's signers do together with an import. It returns the
// public key that they agree on.
func (c cluster) judge(body []byte) (shares.Point, error) {
	var request Request
	if err := json.Unmarshal(body, &request); err != nil {
		return shares.Point{}, err
	}
	scheme, err := shares.ParseScheme(request.Protocol, request.Curve)
	if err != nil {
		return shares.Point{}, err
	}
	sealed := map[string]string{}
	for _, s := range request.EncryptedKeyShares {
		if _, twice := sealed[s.SignerID]; twice || c.keys[s.SignerID] == nil {
			return shares.Point{}, errJudged
		}
		sealed[s.SignerID] = s.EncryptedKeyShare
	}
	if len(sealed) != len(c.keys) {
		return shares.Point{}, errJudged
	}
	var first shares.PublicShares
	for i, id := range c.sorted {
		public, err := c.judgeShare(id, i+1, sealed[id], scheme, request.MinSigners)
		if err != nil {
			return shares.Point{}, err
		}
		if first == nil {
			first = public
		}
		if public.Hash() != first.Hash() {
			return shares.Point{}, errJudged
		}
	}
	return first.PublicKey()
}

func (c cluster) judgeShare(id string, position int, sealed string, scheme shares.Scheme, minSigners int) (shares.PublicShares, error) {
	plaintext, err := c.keys[id].Open([]byte(unbase64(sealed)))
	if err != nil {
		return nil, err
	}
	defer plaintext.Destroy()
	share, err := shares.ParseImport(plaintext, scheme.Curve(), len(c.keys))
	if err != nil {
		return nil, err
	}
	defer share.Destroy()
	return share.Public, share.Check(position, minSigners)
}

func TestSealRoomIsTheEnvelopesOverhead(t *testing.T) {
	if shares.SealRoom != envelope.Overhead {
		t.Errorf("%d and %d", shares.SealRoom, envelope.Overhead)
	}
}

func TestSignersAcceptImportVectors(t *testing.T) {
	for _, v := range vectors.Load(t).Import {
		key, err := clusterOf(t, v).judge([]byte(v.RequestBodyJSON))
		if err != nil || key.Hex() != v.PublicKeyHex {
			t.Errorf("%s/%s: %s, %v", v.Protocol, v.Curve, key, err)
		}
	}
}

// The error for each vector, so that none passes for another's reason.
func TestSignersRefuseNegativeImportVectors(t *testing.T) {
	reasons := map[string]error{
		"imp-missing-signer":       errJudged,
		"imp-duplicate-signer":     errJudged,
		"imp-unknown-signer":       errJudged,
		"imp-shares-swapped":       envelope.ErrOpen,
		"imp-secret-not-public":    shares.ErrPolynomial,
		"imp-public-shares-differ": shares.ErrPolynomial, // one of the lists is not even consistent
		"imp-public-shares-short":  shares.ErrPlaintext,
		"imp-degree-too-high":      shares.ErrPolynomial,
		"imp-version-2":            shares.ErrPlaintext,
		"imp-min-signers-2":        shares.ErrPolynomial,
		"imp-scheme":               shares.ErrScheme,
	}
	f := vectors.Load(t)
	list, err := f.OfKind("importRequest", 11)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		_, err := clusterOf(t, f.Import[v.ImportVector]).judge(v.Body)
		if want := reasons[v.ID]; v.Expect.Server != "400" || want == nil || !errors.Is(err, want) {
			t.Errorf("%s: %v", v.ID, err)
		}
	}
}

func TestRequestHasTheMembersOfTheVectorsInTheirOrder(t *testing.T) {
	for _, v := range vectors.Load(t).Import {
		request := Request{MinSigners: v.MinSigners, Protocol: v.Protocol, Curve: v.Curve}
		for _, s := range v.Shares {
			request.EncryptedKeyShares = append(request.EncryptedKeyShares, EncryptedKeyShare{s.Ciphertext, s.SignerID})
		}
		encoded, err := json.Marshal(request)
		if err != nil || string(encoded) != v.RequestBodyJSON {
			t.Errorf("%s: %v", v.Curve, err)
		}
	}
}

func TestSignersAcceptWhatIsDealtToThem(t *testing.T) {
	list := vectors.Load(t).Import
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.SampledFrom(list).Draw(rt, "vector")
		c := clusterOf(t, v)
		minSigners := rapid.IntRange(2, len(c.listed)).Draw(rt, "minSigners")
		listed := rapid.Permutation(c.listed).Draw(rt, "signers")
		request := deal(t, v, minSigners, listed)
		for i, s := range request.EncryptedKeyShares {
			if s.SignerID != c.sorted[i] || len(unbase64(s.EncryptedKeyShare)) != v.Shares[i].CiphertextLen {
				rt.Fatalf("share %d is for %s, %d bytes", i, s.SignerID, len(unbase64(s.EncryptedKeyShare)))
			}
		}
		body, err := json.Marshal(request)
		if err != nil || !strings.HasSuffix(string(body), `,"name":"a name"}`) {
			rt.Fatalf("%s: %v", body, err)
		}
		if key, err := c.judge(body); err != nil || key.Hex() != v.PublicKeyHex {
			rt.Fatalf("%s: %v", key, err)
		}
		request.MinSigners = minSigners%len(c.listed) + 1
		body, _ = json.Marshal(request)
		if _, err := c.judge(body); err == nil {
			rt.Fatalf("dealt for %d, accepted for %d", minSigners, request.MinSigners)
		}
	})
}

func deal(t testing.TB, v vectors.Import, minSigners int, signers []Signer) Request {
	t.Helper()
	scheme, err := shares.ParseScheme(v.Protocol, v.Curve)
	if err != nil {
		t.Fatal(err)
	}
	request, err := Deal(Plan{scheme, minSigners, signers, "a name"}, lockedtest.Hex(t, v.SecretKeyHex))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestSignersRefuseSharesOfTwoDealings(t *testing.T) {
	v := vectors.Load(t).Import[0]
	c := clusterOf(t, v)
	a, b := deal(t, v, 3, c.listed), deal(t, v, 3, c.listed)
	a.EncryptedKeyShares[4] = b.EncryptedKeyShares[4]
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.judge(body); !errors.Is(err, errJudged) {
		t.Errorf("signers with different public shares: %v", err)
	}
}

func TestUnusableSignersAreRefused(t *testing.T) {
	good := clusterOf(t, vectors.Load(t).Import[0]).listed
	secret := lockedtest.Hex(t, strings.Repeat("11", 32))
	with := func(change func([]Signer) []Signer) []Signer { return change(slices.Clone(good)) }
	for name, signers := range map[string][]Signer{
		"same id":       with(func(s []Signer) []Signer { s[0].SignerID = s[1].SignerID; return s }),
		"same key":      with(func(s []Signer) []Signer { s[0].EncryptionKey = s[1].EncryptionKey; return s }),
		"empty id":      with(func(s []Signer) []Signer { s[0].SignerID = ""; return s }),
		"id not base64": with(func(s []Signer) []Signer { s[0].SignerID = "sg-12345"; return s }),
		"id unpadded":   with(func(s []Signer) []Signer { s[0].SignerID = strings.TrimRight(s[0].SignerID, "="); return s }),
		"id with line":  with(func(s []Signer) []Signer { s[0].SignerID += "\n"; return s }),
		"identity key":  with(func(s []Signer) []Signer { s[0].EncryptionKey = "AQ=="; return s }),
		"no key":        with(func(s []Signer) []Signer { s[0].EncryptionKey = ""; return s }),
	} {
		request, err := Deal(Plan{Scheme: shares.Schemes()[0], MinSigners: 3, Signers: signers}, secret)
		if !errors.Is(err, ErrSigners) || len(request.EncryptedKeyShares) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImpossiblePlansAreRefused(t *testing.T) {
	signers := clusterOf(t, vectors.Load(t).Import[0]).listed
	good := lockedtest.Hex(t, strings.Repeat("11", 32))
	for name, c := range map[string]struct {
		plan   Plan
		secret *locked.Buffer
		want   error
	}{
		"no scheme":     {Plan{MinSigners: 3, Signers: signers}, good, shares.ErrScheme},
		"one of five":   {Plan{shares.Schemes()[0], 1, signers, ""}, good, shares.ErrThreshold},
		"six of five":   {Plan{shares.Schemes()[0], 6, signers, ""}, good, shares.ErrThreshold},
		"no signers":    {Plan{shares.Schemes()[0], 3, nil, ""}, good, shares.ErrThreshold},
		"zero secret":   {Plan{shares.Schemes()[0], 3, signers, ""}, lockedtest.Hex(t, strings.Repeat("00", 32)), shares.ErrScalar},
		"large secret":  {Plan{shares.Schemes()[1], 3, signers, ""}, good, shares.ErrScalar},
		"short secret":  {Plan{shares.Schemes()[0], 3, signers, ""}, lockedtest.Hex(t, strings.Repeat("11", 31)), shares.ErrScalar},
		"missing value": {Plan{shares.Schemes()[0], 3, signers, ""}, nil, shares.ErrScalar},
	} {
		if _, err := Deal(c.plan, c.secret); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScalarsOfEd25519SeedsMatchVectors(t *testing.T) {
	for _, v := range vectors.Load(t).EdDSASeeds {
		scalar, err := ScalarFromEd25519Seed(lockedtest.Hex(t, v.SeedHex))
		if err != nil {
			t.Fatal(err)
		}
		defer scalar.Destroy()
		public, err := shares.Ed25519.MulBase(scalar)
		if err != nil || hex.EncodeToString(scalar.Bytes()) != v.ScalarHex || public.Hex() != v.PublicKeyHex {
			t.Errorf("seed %s: public key %s, %v", v.SeedHex, public, err)
		}
	}
	for _, length := range []int{1, 31, 33, 64} {
		if _, err := ScalarFromEd25519Seed(lockedtest.Hex(t, strings.Repeat("00", length))); !errors.Is(err, shares.ErrScalar) {
			t.Errorf("seed of %d bytes: %v", length, err)
		}
	}
}
