package remote

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/statement"
)

// The paths. What is at one of version 1 never changes.
const (
	greetingPath = "/v1/greeting"
	exportPath   = "/v1/export"
	preparePath  = "/v1/prepare"
	commitPath   = "/v1/commit"
	discardPath  = "/v1/discard"
	readyPath    = "/v1/ready"
	// approvedPath is an export with approvals. A signer that has no such question knows
	// no trust that demands approvals.
	approvedPath = "/v2/export"
)

// actionBody asks for an export or for the first half of an import. It is the whole of
// useraction.Signed; bytes are padded standard base64.
type actionBody struct {
	Input             challenge.Input         `json:"input"`
	Payload           []byte                  `json:"payload"`
	Credential        identity.CredentialID   `json:"credential"`
	Kind              identity.CredentialKind `json:"kind"`
	ClientData        []byte                  `json:"clientData"`
	AuthenticatorData []byte                  `json:"authenticatorData,omitempty"`
	Signature         []byte                  `json:"signature"`
}

func writeAction(s useraction.Signed) actionBody {
	return actionBody{
		Input: s.Input, Payload: []byte(s.Payload), Credential: s.Credential, Kind: s.Kind,
		ClientData: s.ClientData, AuthenticatorData: s.AuthenticatorData, Signature: s.Signature,
	}
}

func (b actionBody) parse() useraction.Signed {
	return useraction.Signed{
		Input: b.Input, Payload: string(b.Payload), Credential: b.Credential, Kind: b.Kind,
		ClientData: b.ClientData, AuthenticatorData: b.AuthenticatorData, Signature: b.Signature,
	}
}

// approvedBody asks for an export that other users have approved.
type approvedBody struct {
	Action    actionBody   `json:"action"`
	Approvals []actionBody `json:"approvals"`
}

func writeApproved(r signer.Request) approvedBody {
	b := approvedBody{Action: writeAction(r.Action)}
	for _, approval := range r.Approvals {
		b.Approvals = append(b.Approvals, writeAction(approval))
	}
	return b
}

func (b approvedBody) parse() (signer.Request, error) {
	if n := len(b.Approvals); n == 0 || n > signer.MaxApprovals {
		return signer.Request{}, fmt.Errorf("%d approvals", n)
	}
	r := signer.Request{Action: b.Action.parse()}
	for _, approval := range b.Approvals {
		r.Approvals = append(r.Approvals, approval.parse())
	}
	return r, nil
}

// shareBody answers an export. Whose share it is, is in the statement.
type shareBody struct {
	Ciphertext []byte         `json:"ciphertext"`
	Statement  statement.JSON `json:"statement"`
}

func (b shareBody) parse() (signer.SealedShare, error) {
	stated, err := b.Statement.Parse()
	if err != nil {
		return signer.SealedShare{}, err
	}
	return signer.SealedShare{Signer: stated.Signer, Ciphertext: b.Ciphertext, Statement: stated}, nil
}

// preparedBody answers the first half of an import. Points are compressed, in hex.
type preparedBody struct {
	Curve        string             `json:"curve"`
	PublicShares []string           `json:"publicShares"`
	Receipt      signer.ReceiptJSON `json:"receipt"`
}

func writePrepared(p signer.Prepared) preparedBody {
	b := preparedBody{Receipt: p.Receipt.JSON(), PublicShares: p.Public.Hex()}
	if len(p.Public) > 0 {
		b.Curve = p.Public[0].Curve().Name()
	}
	return b
}

func (b preparedBody) parse() (signer.Prepared, error) {
	receipt, err := b.Receipt.Parse()
	if err != nil {
		return signer.Prepared{}, err
	}
	curve, err := shares.ParseCurve(b.Curve)
	if err != nil {
		return signer.Prepared{}, err
	}
	public, err := curve.ParsePublicShares(b.PublicShares)
	if err != nil {
		return signer.Prepared{}, err
	}
	return signer.Prepared{Receipt: receipt, Public: public}, nil
}

// commitBody asks for the second half of an import.
type commitBody struct {
	Organisation identity.OrgID       `json:"organisation"`
	KeyID        keyring.KeyID        `json:"keyId"`
	Receipts     []signer.ReceiptJSON `json:"receipts"`
}

func writeCommit(c signer.Commit) commitBody {
	b := commitBody{Organisation: c.Org, KeyID: c.Key}
	for _, receipt := range c.Receipts {
		b.Receipts = append(b.Receipts, receipt.JSON())
	}
	return b
}

func (b commitBody) parse() (signer.Commit, error) {
	if len(b.Receipts) > shares.MaxShares {
		return signer.Commit{}, fmt.Errorf("%d receipts", len(b.Receipts))
	}
	c := signer.Commit{Org: b.Organisation, Key: b.KeyID}
	for _, written := range b.Receipts {
		receipt, err := written.Parse()
		if err != nil {
			return signer.Commit{}, err
		}
		c.Receipts = append(c.Receipts, receipt)
	}
	return c, nil
}

// discardBody asks to forget what was prepared.
type discardBody struct {
	KeyID keyring.KeyID `json:"keyId"`
}

// parse bounds the id, which the signer remembers.
func (b discardBody) parse() (keyring.KeyID, error) { return keyring.ParseKeyID(string(b.KeyID)) }

// readyBody asks whether the signer could do its work now.
type readyBody struct{}

// doneBody answers what has no result.
type doneBody struct{}

// decode reads one JSON value: no member twice, none in another case, none unknown.
func decode(text []byte, into any) error {
	return json.Unmarshal(text, into, json.RejectUnknownMembers(true))
}

func encode(body any) ([]byte, error) { return json.Marshal(body, json.Deterministic(true)) }
