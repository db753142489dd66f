package memscan_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os/exec"
	"slices"
	"testing"

	"keyferry/test/memscan"
)

func random(t *testing.T) []byte {
	t.Helper()
	secret := make([]byte, 32)
	rand.Read(secret)
	return secret
}

func TestEachFormIsFoundAtAnyPlace(t *testing.T) {
	secret := make([]byte, 32) // each byte with a letter in it, so that hex and HEX differ
	for i := range secret {
		secret[i] = byte(0xa0 + i)
	}
	reversed := slices.Clone(secret)
	slices.Reverse(reversed)
	s := memscan.New()
	s.Add("secret", secret)
	for name, text := range map[string][]byte{
		"big-endian": secret, "little-endian": reversed,
		"hex, big-endian": []byte(hex.EncodeToString(secret)), "HEX, little-endian": bytes.ToUpper([]byte(hex.EncodeToString(reversed))),
	} {
		for before := range 9 {
			found := s.Bytes(slices.Concat(make([]byte, before), text, []byte("x")))
			if len(found) != 1 || found[0].Encoding != name || found[0].Times != len(text)-15 {
				t.Errorf("%s behind %d bytes: %+v", name, before, found)
			}
		}
	}
}

func TestSixteenBytesInARowAreEnough(t *testing.T) {
	secret := random(t)
	s := memscan.New()
	s.Add("secret", secret)
	for at := range 17 {
		if found := s.Bytes(secret[at : at+16]); len(found) != 1 {
			t.Errorf("bytes %d to %d: %+v", at, at+16, found)
		}
	}
	if found := s.Bytes(append(slices.Clone(secret[:15]), random(t)...)); len(found) != 0 {
		t.Errorf("fifteen bytes: %+v", found)
	}
}

// A shell keeps what it read in a variable, until it reads the next line.
func TestProcessMemoryIsSearched(t *testing.T) {
	kept := random(t)
	shell := exec.Command("sh", "-c", "read -r kept; echo has it; read -r next")
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	defer shell.Wait()
	defer in.Close()
	fmt.Fprintf(in, "%x\n", kept)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	s := memscan.New()
	s.Add("kept", kept)
	s.Add("another", random(t))
	found, searched, err := s.Process(shell.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	image, err := memscan.Copy(shell.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if searched < 64<<10 || image.Bytes < 64<<10 {
		t.Errorf("only %d bytes were searched and %d copied", searched, image.Bytes)
	}
	for where, found := range map[string][]memscan.Found{"process": found, "copy": s.Image(image)} {
		if !slices.ContainsFunc(found, func(f memscan.Found) bool { return f.Secret == "kept" && f.Encoding == "hex, big-endian" }) {
			t.Errorf("what the shell keeps is not found in the %s: %+v", where, found)
		}
		if slices.ContainsFunc(found, func(f memscan.Found) bool { return f.Secret == "another" }) {
			t.Errorf("what it never had is found in the %s: %+v", where, found)
		}
	}
}

func TestProcessThatIsNotThereIsAnError(t *testing.T) {
	if _, _, err := memscan.New().Process(1 << 30); err == nil {
		t.Error("searched a process that does not exist")
	}
}
