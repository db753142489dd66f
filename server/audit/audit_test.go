package audit

import (
	"errors"
	"fmt"
	"testing"

	"keyferry/server/fault"
)

func TestCanonicalFormIsFixed(t *testing.T) {
	entry := Entry{
		Time: 1793534400000, Kind: ExportFinished, Org: "or-1", User: "us-1", Key: "key-1", Outcome: Released, Reason: "x",
		Signers: []SignerOutcome{{Signer: "b"}, {Signer: "a", Reason: "late"}}, Details: map[string]string{"z": "<ü>", "a": "1"},
	}
	want := `{"details":{"a":"1","z":"<ü>"},"key":"key-1","kind":"export.finished","organisation":"or-1","outcome":"released",` +
		`"reason":"x","signers":[{"signer":"b"},{"reason":"late","signer":"a"}],"time":1793534400000,"user":"us-1","version":1}`
	got, err := entry.Canonical()
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestInvalidTextIsNotRecordedAsSomethingElse(t *testing.T) {
	if text, err := (Entry{Request: "POST /\xff"}).Canonical(); err == nil {
		t.Errorf("recorded as %s", text)
	}
}

func TestRecordedMarksAnErrorAndKeepsIt(t *testing.T) {
	cause := fault.New(fault.Invalid, "x", "y")
	err := fmt.Errorf("exporting: %w", Recorded(cause))
	if !IsRecorded(err) || !errors.Is(err, cause) || fault.ReasonOf(err) != "x" {
		t.Errorf("%v lost its mark or its cause", err)
	}
	if IsRecorded(cause) || Recorded(nil) != nil {
		t.Error("marked what was not to be marked")
	}
}
