package recovery

import (
	"errors"
	"fmt"

	json "github.com/go-json-experiment/json"

	"keyferry/shares/envelope"
)

// maxRequest is far above a request with every scheme that there is.
const maxRequest = 8 << 10

// ErrRequest says that a text is not the request of an export.
var ErrRequest = errors.New("not the request of an export")

// ParseRequest reads the body of POST /keys/{keyId}/export that somebody else made, such
// as the one that an approver is given. Repeated members, members in another case,
// invalid UTF-8 and anything after the value are refused; unknown members are passed
// over, and written again the request lacks them. Errors wrap [ErrRequest].
func ParseRequest(text []byte) (Request, error) {
	if len(text) > maxRequest {
		return Request{}, fmt.Errorf("%w: it has more than %d bytes", ErrRequest, maxRequest)
	}
	var r Request
	if err := json.Unmarshal(text, &r); err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if _, err := r.Key(); err != nil {
		return Request{}, err
	}
	if len(r.SupportedSchemes) == 0 {
		return Request{}, fmt.Errorf("%w: it takes no scheme", ErrRequest)
	}
	return r, nil
}

// Key returns the encryption key to which the request wants the shares sealed.
func (r Request) Key() (envelope.EncryptionKey, error) {
	key, err := envelope.ParseEncryptionKey(r.EncryptionKey)
	if err != nil {
		return envelope.EncryptionKey{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return key, nil
}
