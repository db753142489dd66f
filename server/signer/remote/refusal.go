package remote

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"keyferry/server/fault"
)

// refusalBody answers what was not done. A signer's own trouble has no members: what
// was done is not known then.
type refusalBody struct {
	Kind    string       `json:"kind,omitempty"`
	Reason  fault.Reason `json:"reason,omitempty"`
	Message string       `json:"message,omitempty"`
}

// kinds are those of the refusals that signers may give, by their written names.
var kinds = map[string]fault.Kind{
	"internal": fault.Internal, "invalid": fault.Invalid, "forbidden": fault.Forbidden,
	"notFound": fault.NotFound, "conflict": fault.Conflict, "unavailable": fault.Unavailable,
}

func kindName(kind fault.Kind) string {
	for name, k := range kinds {
		if k == kind {
			return name
		}
	}
	return "internal"
}

// writeRefusal leaves out the cause, which is for the signer's own log.
func writeRefusal(err error) refusalBody {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return refusalBody{}
	}
	return refusalBody{Kind: kindName(f.Kind), Reason: f.Reason, Message: f.Message}
}

// errUntold is a signer's own trouble, which it does not describe.
var errUntold = errors.New("the signer had an error of its own, which its log has")

const maxMessage = 300

// reasons are written like this. They go into the audit record.
var reasons = regexp.MustCompile(`^[a-z]+([.-][a-z]+){0,5}$`)

// parse returns the refusal as a signer in this process would have given it. A signer
// that lies can choose a reason and some words, which are kept short and printable.
func (b refusalBody) parse() error {
	kind, known := kinds[b.Kind]
	if !known || len(b.Reason) > 64 || !reasons.MatchString(string(b.Reason)) || !printable(b.Message) {
		return errUntold
	}
	return fault.New(kind, b.Reason, b.Message)
}

func printable(text string) bool {
	return text != "" && len(text) <= maxMessage && utf8.ValidString(text) &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// statuses are for whoever looks at the traffic; the client goes by the body.
func statusOf(b refusalBody) int {
	if b.Kind == "" {
		return 500
	}
	i := slices.Index([]string{"invalid", "forbidden", "notFound", "conflict", "unavailable"}, b.Kind)
	if i < 0 {
		return 500
	}
	return []int{400, 403, 404, 409, 503}[i]
}
