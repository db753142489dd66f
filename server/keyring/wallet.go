package keyring

import (
	"errors"
	"strings"

	"keyferry/shares"
)

// WalletID is the name under which older clients know a key: they export wallets.
// Each key has one wallet, whose id has the key id's own tail, so that each follows
// from the other.
type WalletID string

const (
	keyPrefix    = "key-"
	walletPrefix = "wa-"
)

// Wallet returns the id of the key's wallet.
func (id KeyID) Wallet() WalletID {
	return WalletID(walletPrefix + strings.TrimPrefix(string(id), keyPrefix))
}

// ParseWalletID returns the key whose wallet the text names; whether such a key
// exists is another question.
func ParseWalletID(text string) (KeyID, error) {
	tail, ok := strings.CutPrefix(text, walletPrefix)
	if !ok || tail == "" {
		return "", errors.New("a wallet id begins with " + walletPrefix)
	}
	return ParseKeyID(keyPrefix + tail)
}

// Network returns what the API calls the network of such a key's wallet: the name of
// a kind of keys where the API has one. It has none for Bitcoin's Schnorr signatures,
// which are of use on the Bitcoin network only.
func Network(scheme shares.Scheme) string {
	switch scheme.KeyScheme() {
	case "ECDSA":
		if scheme.Curve() == shares.Stark {
			return "KeyECDSAStark"
		}
		return "KeyECDSA"
	case "EdDSA":
		return "KeyEdDSA"
	case "Schnorr":
		return "Bitcoin"
	}
	return ""
}
