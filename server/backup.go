//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"keyferry/config"
	"keyferry/server/store"
)

// Backup copies the databases of the server and its embedded signers into a new folder,
// under the names of their files, while the server runs. Keys and configuration are not
// in it. After an error there is no folder.
//
// The server's comes first: then every key that it has, has its shares in the signers'.
func Backup(ctx context.Context, c config.Config, folder string) (files []string, err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, fmt.Errorf("backing up: %w", err)
	}
	places := []string{c.Database}
	for _, s := range c.Signers {
		if s.Store != "" { // a remote one's is its own operator's
			places = append(places, s.Store)
		}
	}
	for _, place := range places {
		file := filepath.Join(folder, filepath.Base(place))
		if err := store.Backup(ctx, place, file); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
		files = append(files, file)
	}
	return files, nil
}
