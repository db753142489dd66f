//go:build !cgo

package envelope

// chosenAgreement is what Seal and Open use.
func chosenAgreement() agreement { return dcrdAgreement{} }
