package recovery

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/internal/vectors"
	"keyferry/shares/locked/lockedtest"
)

func contextOf(t testing.TB, scalarHex string) *Context {
	t.Helper()
	key, err := envelope.ParseDecryptionKey(lockedtest.Hex(t, "01"+scalarHex))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(key.Destroy)
	return &Context{key}
}

func parseAndRecover(t testing.TB, c *Context, text []byte, options Options) (*Recovered, error) {
	t.Helper()
	response, err := ParseResponse(text)
	if err != nil {
		return nil, err
	}
	r, err := c.Recover(response, options)
	if err == nil {
		t.Cleanup(r.Destroy)
	}
	return r, err
}

func TestRequestMatchesVectors(t *testing.T) {
	f := vectors.Load(t)
	c := contextOf(t, f.Client.DecryptionKeyScalarHex)
	for _, v := range f.Export {
		var want Request
		if err := json.Unmarshal(v.Request, &want); err != nil {
			t.Fatal(err)
		}
		wantText, _ := json.Marshal(want)
		got, err := json.Marshal(c.Request())
		if err != nil || string(got) != string(wantText) {
			t.Errorf("%s instead of %s: %v", got, wantText, err)
		}
	}
}

func TestExportVectorsAreRecovered(t *testing.T) {
	f := vectors.Load(t)
	c := contextOf(t, f.Client.DecryptionKeyScalarHex)
	for _, v := range f.Export {
		for _, strict := range []bool{false, true} {
			r, err := parseAndRecover(t, c, v.Response, Options{Strict: strict})
			if err != nil {
				t.Fatalf("%s/%s: %v", v.Protocol, v.Curve, err)
			}
			if hex.EncodeToString(r.Secret.Bytes()) != v.RecoveredKeyHex || r.PublicKey.Hex() != v.PublicKeyHex ||
				r.Scheme.String() != v.Protocol+"/"+v.Curve || len(r.Bad)+len(r.Doubtful) != 0 {
				t.Errorf("%s/%s: key of %s, bad %v, doubtful %v", v.Protocol, v.Curve, r.PublicKey, r.Bad, r.Doubtful)
			}
		}
	}
}

func TestToleranceVectorsAreRecovered(t *testing.T) {
	for _, v := range vectors.Load(t).Tolerance {
		c := contextOf(t, v.ClientDecryptionKeyScalarHex)
		for _, strict := range []bool{false, true} {
			r, err := parseAndRecover(t, c, v.Response, Options{Strict: strict})
			if err != nil {
				t.Errorf("%s: %v", v.ID, err)
				continue
			}
			if hex.EncodeToString(r.Secret.Bytes()) != v.ExpectRecoveredKeyHex || len(r.Bad) != 0 {
				t.Errorf("%s: another key, or bad shares %v", v.ID, r.Bad)
			}
			// Five shares of a polynomial of degree 2 do not fit a threshold of 2.
			if doubt := len(r.Doubtful) != 0; doubt != (v.ID == "tol-min-2-all-5") {
				t.Errorf("%s: doubtful %v", v.ID, r.Doubtful)
			}
		}
	}
}

// classes maps the official client's errors to ours.
var classes = map[string]error{
	"BAD_RESPONSE":        ErrResponse,
	"BAD_BASE64":          ErrResponse,
	"UNKNOWN_PROTOCOL":    shares.ErrScheme,
	"UNKNOWN_CURVE":       shares.ErrScheme,
	"UNSUPPORTED_SCHEME":  shares.ErrScheme,
	"THRESHOLD":           shares.ErrThreshold,
	"BAD_PUBLIC_KEY":      shares.ErrPoint,
	"BAD_SHARE":           shares.ErrPlaintext,
	"VERSION_MISMATCH":    shares.ErrPlaintext,
	"CURVE_MISMATCH":      shares.ErrPlaintext,
	"MALFORMED_INDEXES":   shares.ErrIndexes,
	"PUBLIC_KEY_MISMATCH": ErrMismatch,
}

// Strict recovery fails where the official client does, for the same reason.
func TestNegativeVectorsFailStrictRecoveryForTheirReason(t *testing.T) {
	for _, v := range negativeResponses(t) {
		r, err := parseAndRecover(t, contextOf(t, v.ClientDecryptionKeyScalarHex), v.Response, Options{Strict: true})
		want := classes[v.Expect.Client]
		if v.ID == "resp-curve-field-swapped" || v.ID == "resp-pubkey-ed25519-big-endian" {
			// Two things are wrong at once: the public key cannot be read for the curve.
			want = shares.ErrPoint
		}
		if want == nil || !errors.Is(err, want) || r != nil {
			t.Errorf("%s: %v instead of %s", v.ID, err, v.Expect.Client)
		}
	}
}

// survivable tells the negative vectors in which one share of five is wrong: the
// official client gives up, and this one names that share and goes on without it.
func survivable(v vectors.Negative) bool {
	switch v.ID {
	case "resp-curve-field-swapped", "resp-share-ed25519-little-endian":
		return false // wrong in all shares
	}
	switch v.Expect.Client {
	case "BAD_SHARE", "VERSION_MISMATCH", "CURVE_MISMATCH", "MALFORMED_INDEXES":
		return true
	}
	return strings.HasPrefix(v.ID, "resp-one-wrong-share-of-5-")
}

func TestNegativeVectorsGiveNoWrongKey(t *testing.T) {
	keys := map[string]string{} // public → private
	for _, v := range vectors.Load(t).Export {
		keys[v.PublicKeyHex] = v.SecretKeyHex
	}
	for _, v := range negativeResponses(t) {
		r, err := parseAndRecover(t, contextOf(t, v.ClientDecryptionKeyScalarHex), v.Response, Options{})
		if (err == nil) != survivable(v) {
			t.Errorf("%s: survived %v: %v", v.ID, err == nil, err)
		}
		if err != nil {
			continue
		}
		// Of a share that occurs twice it cannot be told who copied it.
		named := len(r.Bad) == 1 && len(r.Doubtful) == 0 || v.ID == "resp-duplicate-index" && len(r.Doubtful) == 2
		if hex.EncodeToString(r.Secret.Bytes()) != keys[r.PublicKey.Hex()] || !named {
			t.Errorf("%s: bad %v, doubtful %v", v.ID, r.Bad, r.Doubtful)
		}
	}
}

func negativeResponses(t *testing.T) []vectors.Negative {
	t.Helper()
	list, err := vectors.Load(t).OfKind("exportResponse", 50)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
