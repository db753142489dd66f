package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
)

// checkPlaceOfSigners asks for what goes with the signers' sort.
func (c Config) checkPlaceOfSigners() error {
	if !c.Remote() {
		return needed("pkcs11.module", c.PKCS11.Module, "the path of the PKCS#11 library")
	}
	return errors.Join(
		needed("manifest", c.Manifest, "the path of the cluster's manifest, as `keyferry signer manifest join` writes it"),
		needed("signerKeyFile", c.SignerKeyFile, "the path of a PEM file with a P-256 key; it is made if missing"),
	)
}

func (c Config) checkSigners() error {
	var errs []error
	if n := len(c.Signers); n < minSigners || n > maxSigners {
		errs = append(errs, fmt.Errorf("signers: %d to %d are needed and %d are listed", minSigners, maxSigners, n))
	}
	taken := map[string]bool{}
	for i, s := range c.Signers {
		name := func(member string) string { return fmt.Sprintf("signers[%d].%s", i, member) }
		errs = append(errs, s.check(name, c.Remote()))
		for member, value := range map[string]string{"label": s.Label, "url": s.URL, "publicKey": s.PublicKey} {
			if value != "" && taken[member+value] {
				errs = append(errs, fmt.Errorf("%s: %q is another signer's too: each signer has its own", name(member), value))
			}
			taken[member+value] = true
		}
	}
	return errors.Join(errs...)
}

func (s Signer) check(name func(member string) string, remote bool) error {
	embedded := s.Label != "" || s.PINFile != "" || s.Store != ""
	if elsewhere := s.URL != "" || s.PublicKey != ""; elsewhere && embedded || elsewhere != remote {
		return fmt.Errorf("%s: all signers are elsewhere (url and publicKey), or all are in this process (label, pinFile and store)", name("url"))
	}
	if remote {
		return errors.Join(checkURL(name("url"), s.URL), checkPin(name("publicKey"), s.PublicKey))
	}
	return errors.Join(
		needed(name("label"), s.Label, "the label of the signer's token"),
		needed(name("pinFile"), s.PINFile, "the path of a file with the token's PIN"),
		needed(name("store"), s.Store, "the path of an SQLite file, which is made if missing, or postgres://…"),
	)
}

func checkURL(name, text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Port() == "" || "https://"+parsed.Host != text {
		return fmt.Errorf("%s: %q is not of the form https://host:port", name, text)
	}
	return nil
}

// checkPin takes the one spelling of 32 bytes.
func checkPin(name, text string) error {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(decoded) != 32 || base64.StdEncoding.EncodeToString(decoded) != text {
		return fmt.Errorf("%s: %q is not the pin of a public key: the base64 of 32 bytes, as keyferry prints it", name, text)
	}
	return nil
}
