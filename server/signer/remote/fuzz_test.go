package remote

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/shares/statement"
)

var (
	fuzzedID   = strings.Repeat("A", 43) + "="
	fuzzedHash = strings.Repeat("0", 64)
)

const fuzzedPoint = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

func fuzzedReceipt() signer.ReceiptJSON {
	return signer.ReceiptJSON{SignerID: fuzzedID, Deployment: "d", Organisation: "or-1", KeyID: "key-1", VectorHash: fuzzedHash, Signature: []byte{1}}
}

func add(f *testing.F, body any) {
	f.Helper()
	text, err := encode(body)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(strings.Replace(string(text), `":`, `":1,"more":`, 1)))
	f.Add([]byte(strings.ToUpper(string(text))))
}

// expectSame writes a body, and then what is read of it: both must be the same text.
func expectSame[B any](t *testing.T, body B, rewrite func(B) (B, error)) {
	t.Helper()
	text, err := encode(body)
	if err != nil {
		t.Fatal(err)
	}
	var read B
	if err := decode(text, &read); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	rewritten, err := rewrite(read)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if again, err := encode(rewritten); err != nil || string(again) != string(text) {
		t.Fatalf("%s is also %s, %v", text, again, err)
	}
}

// again reads a body and writes what was read.
func again[B, V any](parse func(B) (V, error), write func(V) B) func(B) (B, error) {
	return func(body B) (B, error) {
		value, err := parse(body)
		return write(value), err
	}
}

func writeShare(s signer.SealedShare) shareBody { return shareBody{s.Ciphertext, s.Statement.JSON()} }

// FuzzQuestion holds that what a signer reads of a question is what was asked: written
// again, it is the same action, with the same approvals, or the same commit.
func FuzzQuestion(f *testing.F) {
	add(f, actionBody{
		Input:   challenge.Input{Label: challenge.Label, Deployment: "d", Method: "POST", Path: "/keys/key-1/export", IssuedAt: 1},
		Payload: []byte(`{}`), Credential: "cr-1", Kind: identity.Fido2Credential, ClientData: []byte(`{}`), AuthenticatorData: []byte{1}, Signature: []byte{2},
	})
	add(f, approvedBody{Action: actionBody{Credential: "cr-1"}, Approvals: []actionBody{{Credential: "cr-2", Payload: []byte(`{}`)}}})
	add(f, commitBody{Organisation: "or-1", KeyID: "key-1", Receipts: []signer.ReceiptJSON{fuzzedReceipt(), fuzzedReceipt()}})
	f.Fuzz(func(t *testing.T, text []byte) {
		var action actionBody
		if decode(text, &action) == nil {
			expectSame(t, writeAction(action.parse()), func(b actionBody) (actionBody, error) { return writeAction(b.parse()), nil })
		}
		var approved approvedBody
		if decode(text, &approved) == nil {
			if asked, err := approved.parse(); err == nil {
				expectSame(t, writeApproved(asked), again(approvedBody.parse, writeApproved))
			}
		}
		var commit commitBody
		if decode(text, &commit) != nil {
			return
		}
		if asked, err := commit.parse(); err == nil {
			expectSame(t, writeCommit(asked), again(commitBody.parse, writeCommit))
		}
	})
}

// FuzzAnswer holds that of a signer's answer the server takes all or nothing, and that
// it can hand on what it took, unchanged.
func FuzzAnswer(f *testing.F) {
	add(f, shareBody{Ciphertext: []byte{1, 2}, Statement: statement.JSON{
		SignerID: fuzzedID, Deployment: "d", Organisation: "or-1", KeyID: "key-1", Protocol: "CGGMP21", Curve: "secp256k1", PublicKey: fuzzedPoint, MinSigners: 3,
		Index: strings.Repeat("0", 63) + "2", Commitment: fuzzedPoint, VectorHash: fuzzedHash, EncryptionKeyHash: fuzzedHash,
		CiphertextHash: fuzzedHash, ActionHash: fuzzedHash, Time: 5, Signature: []byte{1},
	}})
	add(f, preparedBody{Curve: "secp256k1", PublicShares: []string{fuzzedPoint, fuzzedPoint}, Receipt: fuzzedReceipt()})
	add(f, preparedBody{Curve: "ed25519", PublicShares: []string{fuzzedPoint}, Receipt: fuzzedReceipt()})
	add(f, doneBody{})
	f.Fuzz(func(t *testing.T, text []byte) {
		var share shareBody
		if decode(text, &share) == nil {
			if got, err := share.parse(); err == nil {
				expectSame(t, writeShare(got), again(shareBody.parse, writeShare))
			} else if !reflect.DeepEqual(got, signer.SealedShare{}) {
				t.Fatalf("half done: %+v, %v", got, err)
			}
		}
		var prepared preparedBody
		if decode(text, &prepared) != nil {
			return
		}
		if got, err := prepared.parse(); err == nil {
			expectSame(t, writePrepared(got), again(preparedBody.parse, writePrepared))
		} else if !reflect.DeepEqual(got, signer.Prepared{}) {
			t.Fatalf("half done: %+v, %v", got, err)
		}
	})
}

// FuzzRefusal holds that a signer's words come into the log and the record short and
// printable, and that what is not a refusal never counts as one.
func FuzzRefusal(f *testing.F) {
	add(f, writeRefusal(signer.ErrFrozen))
	add(f, refusalBody{Kind: "forbidden", Reason: "signer.frozen\n", Message: "x"})
	add(f, refusalBody{Kind: "forbidden", Reason: "signer.frozen", Message: "\u202ex"})
	add(f, refusalBody{})
	f.Fuzz(func(t *testing.T, text []byte) {
		var b refusalBody
		if decode(text, &b) != nil {
			return
		}
		err := b.parse()
		refusal, is := errors.AsType[*fault.Error](err)
		if !is {
			if !errors.Is(err, errUntold) {
				t.Fatal(err)
			}
			return
		}
		said := string(refusal.Reason) + refusal.Message
		if len(said) > 64+maxMessage || strings.ContainsFunc(said, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q", said)
		}
		if written := writeRefusal(err); written != b {
			t.Fatalf("%+v is also %+v", b, written)
		}
	})
}

// FuzzParsePin holds that a pin has one spelling.
func FuzzParsePin(f *testing.F) {
	f.Add(fuzzedID)
	f.Add(strings.Repeat("A", 42) + "B=")
	f.Add(fuzzedID + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		pin, err := ParsePin(text)
		if err != nil && pin != (Pin{}) || err == nil && pin.String() != text {
			t.Fatalf("%q is also %q, %v", text, pin, err)
		}
	})
}
