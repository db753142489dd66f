package api

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/strictjson"
)

// headerNonce is sent by older clients with every request, and by no current one.
const headerNonce = "X-Dfns-Nonce"

const (
	nonceWindow  = 10 * time.Minute // for which a nonce is remembered, at least
	maxNonces    = 1 << 15          // in each half of the memory; more shorten the window
	maxNonceText = 256              // of about a hundred letters
)

var (
	errNonce     = fault.New(fault.Invalid, "nonce.invalid", "request nonce is missing or invalid")
	errNonceUsed = fault.New(fault.Invalid, "nonce.used", "request nonce has already been used")
)

// checkNonce refuses a nonce that is malformed or that the same user has sent before.
// It comes after the token, so that only known callers fill the memory.
//
// Nothing hangs on it: a client can leave the nonce out, and the memory is this
// process's own. What must happen once is protected by user actions.
func (a *API) checkNonce(c *call) error {
	values := c.Request().Header.Values(headerNonce)
	if len(values) == 0 {
		return nil
	}
	id, err := parseNonce(values[0])
	if err != nil || len(values) > 1 {
		return errNonce.Because(err)
	}
	if !a.nonces.use(nonceOf(c.principal.User(), id), a.Now()) {
		return errNonceUsed
	}
	return nil
}

// uuid is the text of RFC 9562 §4, of any version.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// parseNonce reads unpadded base64url of {"uuid","date"} and returns the uuid in small
// letters. The date only has to be one: the clocks of clients are not known.
func parseNonce(text string) (string, error) {
	if len(text) > maxNonceText {
		return "", errors.New("it is too long")
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", err
	}
	var nonce struct {
		UUID string `json:"uuid" required:"true"`
		Date string `json:"date" required:"true"`
	}
	if err := strictjson.Decode(decoded, &nonce); err != nil {
		return "", err
	}
	if _, err := time.Parse(time.RFC3339, nonce.Date); err != nil {
		return "", err
	}
	id := strings.ToLower(nonce.UUID)
	if !uuid.MatchString(id) {
		return "", errors.New("it has no uuid")
	}
	return id, nil
}

// nonceHash names a nonce of one user's.
type nonceHash [sha256.Size]byte

func nonceOf(user identity.UserID, uuid string) nonceHash {
	return sha256.Sum256([]byte(uuid + string(user))) // a uuid's text has a fixed length
}

// nonces is a bounded memory of nonces in two halves: the newer one is filled until it
// is full or its time is over, then it takes the place of the older one.
type nonces struct {
	mu           sync.Mutex
	newer, older map[nonceHash]struct{}
	until        time.Time // the end of the newer half's time
}

// use remembers a nonce, or tells that it is remembered already.
func (n *nonces) use(hash nonceHash, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !now.Before(n.until) || len(n.newer) >= maxNonces {
		n.older, n.newer, n.until = n.newer, map[nonceHash]struct{}{}, now.Add(nonceWindow)
	}
	_, recent := n.newer[hash]
	_, before := n.older[hash]
	if recent || before {
		return false
	}
	n.newer[hash] = struct{}{}
	return true
}
