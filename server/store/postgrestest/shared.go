package postgrestest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the cluster that the tests of this process use together: to make one takes
// seconds. It is started by the first that asks.
var shared struct {
	sync.Once
	cluster *Cluster
	err     error
}

// URL returns a database for the test with this folder, which is often a t.TempDir():
// the same folder gives the same database.
func URL(t testing.TB, folder string) string {
	t.Helper()
	shared.Do(func() { shared.cluster, shared.err = New() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	digest := sha256.Sum256([]byte(folder))
	return shared.cluster.URL("test_" + hex.EncodeToString(digest[:10]))
}

// Main runs the tests of a package and stops the cluster that they shared, if there was
// one. It is what a TestMain consists of.
func Main(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping PostgreSQL:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}
