//go:build cgo

package server

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"keyferry/server/audit/compare"
	"keyferry/server/audit/merkle"
	"keyferry/server/store"
)

// openAuditLog returns the server's audit log with the key that signs its checkpoints,
// which is made at first use.
func openAuditLog(c Config, s *store.Server) (merkle.Log, error) {
	return logPlace{c.Deployment, c.CheckpointKeyFile}.open(compare.ServerPart, s)
}

// logPlace is a deployment, and the file with a key that signs checkpoints.
type logPlace struct{ deployment, keyFile string }

// open returns the log of a part of the deployment. The logs of embedded signers are
// signed with the server's key: a checkpoint says of which log it is, and the process
// that could forge one could forge them all.
func (p logPlace) open(part string, s merkle.Store) (merkle.Log, error) {
	key, err := openCheckpointKey(p.keyFile)
	if err != nil {
		return merkle.Log{}, err
	}
	signer, err := merkle.NewSigner(merkle.Origin(p.deployment, part), key)
	if err != nil {
		return merkle.Log{}, fmt.Errorf("the key for checkpoints: %w", err)
	}
	return merkle.Log{Store: s, Signer: signer}, nil
}

func openCheckpointKey(path string) (ed25519.PrivateKey, error) {
	key, err := loadCheckpointKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeCheckpointKey(path); err != nil {
			return nil, fmt.Errorf("making the key for checkpoints: %w", err)
		}
		key, err = loadCheckpointKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the key for checkpoints: %w", err)
	}
	return key, nil
}

func loadCheckpointKey(path string) (ed25519.PrivateKey, error) {
	parsed, err := loadKey(path)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s does not hold an Ed25519 key", path)
	}
	return key, nil
}

func makeCheckpointKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	return makeKey(path, key)
}
