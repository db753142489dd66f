//go:build !cgo

package envelope

// agreements has every implementation of this build: the vectors run on each.
func agreements() map[string]agreement {
	return map[string]agreement{"dcrd": dcrdAgreement{}}
}
