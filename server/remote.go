//go:build cgo

package server

import (
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"keyferry/server/signer"
	"keyferry/server/signer/remote"
	"keyferry/shares/manifest"
)

// openRemote names the signers that are processes of their own. It asks none of them:
// who is down is missed at the first question to him.
func (s *Server) openRemote() (cluster, error) {
	known, err := readManifest(s.config.Manifest, s.config.Deployment)
	if err != nil {
		return cluster{}, err
	}
	certificates, err := accessCertificates(s.config.SignerKeyFile, s.config.Now)
	if err != nil {
		return cluster{}, err
	}
	opened := cluster{manifest: known}
	for _, c := range s.config.Signers {
		pin, err := remote.ParsePin(c.PublicKey)
		if err != nil {
			return cluster{}, fmt.Errorf("signer %s: %w", c.URL, err)
		}
		member := memberOf(known, pin)
		client, err := remote.NewClient(remote.Config{
			URL: c.URL, Member: member,
			Identity: remote.Identity{Certificates: certificates, Pins: pinsOf(member, pin), Now: s.config.Now},
		})
		if err != nil {
			return cluster{}, fmt.Errorf("signer %s: its public key %s is no identity key of the manifest: %w", c.URL, c.PublicKey, err)
		}
		s.closers.add(func() error { client.Close(); return nil })
		opened.signers = append(opened.signers, signer.Signer(client))
	}
	s.config.Log.Info("the signers are processes of their own; this one opens no share", "signers", len(opened.signers))
	return opened, nil
}

// PinOfMember is what a server's configuration has of a signer.
func PinOfMember(m manifest.Member) remote.Pin { return sha256.Sum256(m.Identity()) }

// memberOf returns the signer whose identity key this is or was, or none.
func memberOf(m manifest.Manifest, pin remote.Pin) manifest.Member {
	for _, member := range m.Members {
		for _, identity := range member.Identities {
			if sha256.Sum256(identity) == pin {
				return member
			}
		}
	}
	return manifest.Member{}
}

// pinsOf are the keys by which a signer may show itself: the pinned one, and those that
// the manifest links behind it. What was replaced before that one was pinned is not.
func pinsOf(m manifest.Member, pinned remote.Pin) []remote.Pin {
	pins := []remote.Pin{pinned}
	for _, identity := range m.Identities {
		if next := remote.Pin(sha256.Sum256(identity)); next == pinned {
			pins = pins[:1]
		} else {
			pins = append(pins, next)
		}
	}
	return pins
}

func readManifest(path, deployment string) (manifest.Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("the cluster's manifest: %w", err)
	}
	m, err := manifest.Parse(text)
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("the cluster's manifest %s: %w", path, err)
	}
	if m.Deployment != deployment {
		return manifest.Manifest{}, fmt.Errorf("the cluster's manifest %s is of deployment %q, the configuration of %q", path, m.Deployment, deployment)
	}
	return m, nil
}

// accessCertificates opens the key that signers know a server by, which is made at
// first use.
func accessCertificates(path string, now func() time.Time) (*remote.Certificates, error) {
	key, err := openTokenKey(path, "the key that signers know this server by")
	if err != nil {
		return nil, err
	}
	return remote.NewCertificates(key, now)
}

// AccessPin returns what signers must know of the server with this key, which is made if
// it is missing.
func AccessPin(keyFile string) (remote.Pin, error) {
	certificates, err := accessCertificates(keyFile, time.Now)
	if err != nil {
		return remote.Pin{}, err
	}
	return certificates.Pin()
}
