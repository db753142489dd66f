package manifest

import (
	"reflect"
	"slices"
	"testing"
)

// manifestSeed is a manifest of two signers.
func manifestSeed(f *testing.F) []byte {
	f.Helper()
	var members []Member
	for range 2 {
		member, _ := newMember(f)
		members = append(members, member)
	}
	m, err := New(deployment, members)
	if err != nil {
		f.Fatal(err)
	}
	text, err := m.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	return text
}

// FuzzParse holds that a manifest which parses is verified, has each signer once and
// in order, and is written so that it is read back as it is.
func FuzzParse(f *testing.F) {
	f.Add(manifestSeed(f))
	f.Add([]byte(`{"version":1,"deployment":"test","signers":[]}`))
	f.Add([]byte(`{"version":1,"deployment":"test","signers":[{"signerId":"","encryptionKey":"","identityKeys":[""],"identityLinks":[],"signature":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Parse(text)
		if err != nil {
			return
		}
		ids := m.IDs()
		if len(ids) == 0 || !slices.IsSortedFunc(ids, ID.Compare) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Fatalf("signers %v", ids)
		}
		for _, member := range m.Members {
			if err := member.Verify(m.Deployment); err != nil {
				t.Fatal(err)
			}
		}
		written, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(written); err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%s: %v", written, err)
		}
	})
}
