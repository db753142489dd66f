package statement

import (
	"encoding/hex"
	"errors"
	"fmt"

	"keyferry/shares"
	"keyferry/shares/manifest"
)

// JSON is a signed statement as it stands in the export response's additional member
// "statements". Hashes, points and the index are lower-case hex; the signature is
// base64.
type JSON struct {
	SignerID          string `json:"signerId"`
	Deployment        string `json:"deployment"`
	Organisation      string `json:"organisation"`
	KeyID             string `json:"keyId"`
	Protocol          string `json:"protocol"` // the canonical name, however the client spells it
	Curve             string `json:"curve"`
	PublicKey         string `json:"publicKey"`
	MinSigners        int    `json:"minSigners"`
	Index             string `json:"index"`
	Commitment        string `json:"commitment"`
	VectorHash        string `json:"vectorHash"`
	EncryptionKeyHash string `json:"encryptionKeyHash"`
	CiphertextHash    string `json:"ciphertextHash"`
	ActionHash        string `json:"actionHash"`
	Time              int64  `json:"time"`
	Signature         []byte `json:"signature"`
}

// JSON returns the written form.
func (s Signed) JSON() JSON {
	return JSON{
		SignerID: s.Signer.String(), Deployment: s.Deployment, Organisation: s.Organisation, KeyID: s.Key,
		Protocol: s.Scheme.Protocol(), Curve: s.Scheme.Curve().Name(), PublicKey: s.PublicKey.Hex(), MinSigners: s.MinSigners,
		Index: s.Index.Hex(), Commitment: s.Commitment.Hex(), VectorHash: hex.EncodeToString(s.VectorHash[:]),
		EncryptionKeyHash: hex.EncodeToString(s.EncryptionKeyHash[:]), CiphertextHash: hex.EncodeToString(s.CiphertextHash[:]),
		ActionHash: hex.EncodeToString(s.ActionHash[:]), Time: s.Time, Signature: s.Signature,
	}
}

// Parse reads a written statement. Its signature is not verified yet.
func (j JSON) Parse() (Signed, error) {
	r := reader{}
	signed := Signed{Signature: j.Signature, Statement: Statement{
		Deployment: j.Deployment, Organisation: j.Organisation, Key: j.KeyID, MinSigners: j.MinSigners, Time: j.Time,
		VectorHash: r.hash(j.VectorHash), EncryptionKeyHash: r.hash(j.EncryptionKeyHash),
		CiphertextHash: r.hash(j.CiphertextHash), ActionHash: r.hash(j.ActionHash),
	}}
	signed.Signer = read(&r, func() (manifest.ID, error) { return manifest.ParseID(j.SignerID) })
	signed.Scheme = read(&r, func() (shares.Scheme, error) { return shares.ParseScheme(j.Protocol, j.Curve) })
	if r.err == nil {
		curve := signed.Scheme.Curve()
		signed.PublicKey = read(&r, func() (shares.Point, error) { return curve.ParsePoint(r.bytes(j.PublicKey)) })
		signed.Commitment = read(&r, func() (shares.Point, error) { return curve.ParsePoint(r.bytes(j.Commitment)) })
		signed.Index = read(&r, func() (shares.Index, error) { return shares.ParseIndex(curve, r.bytes(j.Index)) })
	}
	if r.err == nil && signed.Scheme.Protocol() != j.Protocol {
		r.err = errors.New("an alias for a protocol")
	}
	if r.err != nil {
		return Signed{}, fmt.Errorf("%w: %w", ErrStatement, r.err)
	}
	return signed, nil
}

// reader keeps the first error.
type reader struct{ err error }

func read[T any](r *reader, parse func() (T, error)) T {
	value, err := parse()
	if r.err == nil && err != nil {
		r.err = err
	}
	return value
}

// bytes reads lower-case hex.
func (r *reader) bytes(text string) []byte {
	decoded, err := hex.DecodeString(text)
	if err == nil && hex.EncodeToString(decoded) != text {
		err = errors.New("expected lower-case hex digits")
	}
	if r.err == nil && err != nil {
		r.err = err
	}
	return decoded
}

func (r *reader) hash(text string) (hash [32]byte) {
	if decoded := r.bytes(text); len(decoded) == len(hash) {
		return [32]byte(decoded)
	}
	if r.err == nil {
		r.err = errors.New("a hash has 64 hex digits")
	}
	return hash
}
