package signer

import (
	"strings"
	"testing"

	"keyferry/server/fault"
	"keyferry/server/useraction"
	"keyferry/shares/envelope/envelopetest"
)

func parseOrder(t *testing.T, body string) ExportOrder {
	t.Helper()
	order, err := ParseExport([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return order
}

func TestOrdersAreTheSameIfTheySayTheSame(t *testing.T) {
	body := string(loadVectors(t).Export[0].Request)
	one := parseOrder(t, body)
	scheme := func(protocol, curve string) string { return `{"protocol":"` + protocol + `","curve":"` + curve + `"}` }
	with := func(schemes ...string) ExportOrder {
		return parseOrder(t, `{"encryptionKey":"`+one.EncryptionKey.String()+`","supportedSchemes":[`+strings.Join(schemes, ",")+`]}`)
	}
	a, b := scheme("CGGMP21", "secp256k1"), scheme("FROST", "ed25519")
	for name, pair := range map[string][2]ExportOrder{
		"itself":           {one, one},
		"written anew":     {one, parseOrder(t, strings.Replace(body, "{", "{ \"note\": {}, ", 1))},
		"in another order": {with(a, b), with(b, a)},
		"said twice":       {with(a, b), with(a, b, a)},
	} {
		if !pair[0].Same(pair[1]) || !pair[1].Same(pair[0]) {
			t.Errorf("%s: not the same", name)
		}
	}
	other := one
	other.EncryptionKey = envelopetest.EncryptionKey(t)
	for name, pair := range map[string][2]ExportOrder{
		"another encryption key": {one, other},
		"more schemes":           {with(a), with(a, b)},
		"another scheme":         {with(a), with(b)},
		"another spelling":       {with(a), with(scheme("CGGMP24", "secp256k1"))},
		"an unknown scheme more": {with(a), with(a, scheme("GG18", "secp256k1"))},
		"nothing at all":         {one, ExportOrder{}},
	} {
		if pair[0].Same(pair[1]) || pair[1].Same(pair[0]) {
			t.Errorf("%s: the same", name)
		}
	}
}

func TestApprovalsAreMeasuredByWhatSomebodyCanMakeLong(t *testing.T) {
	long := useraction.Signed{Payload: "1", ClientData: make([]byte, 10), AuthenticatorData: make([]byte, 100), Signature: make([]byte, 1000)}
	if got := ApprovalBytes(long); got != 1111 {
		t.Errorf("%d bytes", got)
	}
}

// Its text goes to the caller by way of signers' answers, which are short.
func TestRefusalForLackOfApprovalsSaysWhatToDo(t *testing.T) {
	const most = 300 // as server/signer/remote has it
	if text := ErrApproval.Message; fault.KindOf(ErrApproval) != fault.Forbidden || len(text) > most || !strings.Contains(text, "keyferry approve") {
		t.Errorf("%d: %s", len(text), text)
	}
}
