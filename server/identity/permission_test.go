package identity

import "testing"

func TestTwoNamesOfOnePermissionAllowTheSame(t *testing.T) {
	for _, held := range Permissions() {
		for _, asked := range Permissions() {
			names := map[Permission]bool{held: true, asked: true}
			same := held == asked || names[KeysExport] && names[WalletsExport]
			if got := held.Allows(asked); got != same {
				t.Errorf("%s allows %s: %v", held, asked, got)
			}
			if got := (User{Permissions: []Permission{held}}).May(asked); got != same {
				t.Errorf("who holds %s may %s: %v", held, asked, got)
			}
		}
	}
	for _, other := range []Permission{"", "Wallets:Import", "wallets:export", "Keys:Export "} {
		if other.Allows(KeysExport) || (User{Permissions: []Permission{other}}).May(KeysExport) || (User{}).May(other) {
			t.Errorf("%q allows exports", other)
		}
	}
}
