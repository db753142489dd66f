//go:build cgo

package hsm_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// neighbourOf is the variable that makes this test binary another process, which replaces
// the share-wrapping key of the named token until its standard input ends.
const neighbourOf = "HSM_TEST_NEIGHBOUR_OF"

func TestMain(m *testing.M) {
	label := os.Getenv(neighbourOf)
	if label == "" {
		os.Exit(m.Run())
	}
	if err := replaceKeys(label); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func replaceKeys(label string) error {
	path, err := hsm.FindSoftHSM()
	if err != nil {
		return err
	}
	module, err := hsm.Open(path)
	if err != nil {
		return err
	}
	pin, err := hsm.NewPIN([]byte(hsmtest.PIN))
	if err != nil {
		return err
	}
	token, err := module.Token(hsm.TokenConfig{Label: label, PIN: pin, Sessions: 1})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		os.Stdin.Read(make([]byte, 1))
		stop()
	}()
	for key := second; ctx.Err() == nil; key++ {
		if _, err := token.MakeWrappingKey(context.Background(), key); err != nil {
			return err
		}
		if err := token.DestroyWrappingKey(context.Background(), key-1); err != nil {
			return err
		}
	}
	return nil
}

// Another process makes and destroys keys all the time: whoever opens the token meanwhile
// sees it whole.
func TestTokenOpensWhileAnotherProcessReplacesItsKeys(t *testing.T) {
	cfg := hsmtest.Blank(t)
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	neighbour := exec.Command(os.Args[0])
	neighbour.Env = append(os.Environ(), neighbourOf+"="+cfg.Label)
	var said strings.Builder
	neighbour.Stdout = &said
	stop, err := neighbour.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := neighbour.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	for i := range 150 {
		token, err := hsmtest.Module(t).Token(cfg)
		if err != nil {
			t.Errorf("opening it for the %d. time: %v", i+1, err)
			continue
		}
		if err := token.Ready(context.Background()); err != nil {
			t.Errorf("ready: %v", err)
		}
		if err := token.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stop.Close()
	if err := neighbour.Wait(); err != nil {
		t.Errorf("the neighbour: %v\n%s", err, said.String())
	}
}
