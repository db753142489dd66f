//go:build cgo

package hsm

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCheckThatDoesNotReturnEndsTheExaminationByItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps, done := make(chan string), make(chan examined, 1)
		go func() {
			for _, check := range []string{"seal.nonce", "seal.tag"} {
				time.Sleep(examinePatience - time.Second) // slow, but it returns
				steps <- check
			}
		}()
		_, err := await(steps, done, nil)
		if !errors.Is(err, ErrHung) || !strings.Contains(err.Error(), "seal.tag") {
			t.Errorf("got %v", err)
		}
	})
}
