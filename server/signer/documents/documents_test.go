package documents_test

import (
	"context"
	"errors"
	"testing"

	"keyferry/server/signer/documents"
	"keyferry/server/signer/node"
	"keyferry/server/signer/trust"
	"keyferry/server/signer/trust/trusttest"
)

func TestWhatNoDocumentListsTheNodeDoesNotKnow(t *testing.T) {
	directory, err := trust.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	believed, err := trust.New(trust.Config{
		Deployment: "test", Documents: directory, Serials: &trusttest.Serials{},
		Record: func(context.Context, trust.Change) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	none := documents.Trust{Trust: believed}
	if _, err := none.Credential(context.Background(), "or-1", "cr-1"); !errors.Is(err, node.ErrNoCredential) || !errors.Is(err, trust.ErrNoCredential) {
		t.Errorf("credential: %v", err)
	}
	if rules, err := none.Rules(context.Background(), "or-1"); !errors.Is(err, trust.ErrNoOrganisation) || rules.ExportActive {
		t.Errorf("rules: %+v, %v", rules, err)
	}
}
