//go:build !unix

package trust

import "errors"

// lock refuses: signers run on Unix, and an installation without a lock could let an
// older document win.
func lock(string) (unlock func() error, err error) {
	return nil, errors.New("trust documents are installed on Unix only")
}

func syncDirectory(string) error { return errors.ErrUnsupported }
