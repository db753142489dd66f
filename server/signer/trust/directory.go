package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"keyferry/server/identity"
)

const (
	suffix     = ".trust"             // of a document's file, behind the organisation's id
	unfinished = ".unfinished-trust-" // begins the name of a file that is being written
	lockFile   = ".trust-lock"
)

var (
	// ErrNotInstalled says that an organisation has no document here.
	ErrNotInstalled = errors.New("no trust document is installed")
	// ErrBusy says that another process installs into the same directory now.
	ErrBusy = errors.New("another process is installing a trust document: try again")
)

// Directory keeps the signed documents of one signer, a file per organisation named
// "or-….trust". A file is replaced in one step, so that a reader has the old document
// or the new one. It implements [Documents].
type Directory struct{ path string }

// OpenDirectory returns the directory at path, which must exist: a new one would be
// where no signer looks.
func OpenDirectory(path string) (*Directory, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening trust directory: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("opening trust directory: %s is not a directory", path)
	}
	return &Directory{path}, nil
}

// Installed returns the organisation's signed file, not verified, or ErrNotInstalled.
func (d *Directory) Installed(_ context.Context, org identity.OrgID) ([]byte, error) {
	if err := checkID(string(org)); err != nil {
		return nil, err
	}
	path := d.file(org)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no %s", ErrNotInstalled, path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading trust document: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading trust document: %s is not a regular file", path)
	}
	return readFile(path)
}

// readFile reads up to one byte more than a document may have.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading trust document: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading trust document: %w", err)
	}
	return text, nil
}

// Organisations lists whose documents are installed, sorted by id.
func (d *Directory) Organisations(context.Context) ([]identity.OrgID, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("listing trust documents: %w", err)
	}
	var orgs []identity.OrgID
	for _, entry := range entries {
		if org, ok := strings.CutSuffix(entry.Name(), suffix); ok && checkID(org) == nil {
			orgs = append(orgs, identity.OrgID(org))
		}
	}
	return orgs, nil
}

// Install puts a document into the place of the one before, if [Document.Supersedes]
// allows it, and returns what changes. The very same document again changes nothing
// and returns the zero Change. The installed one is only compared and not verified,
// so that a document of a new root can follow.
func (d *Directory) Install(ctx context.Context, s Signed) (Change, error) {
	if s.IsZero() {
		return Change{}, errors.New("trust: there is no signed document to install")
	}
	unlock, err := lock(filepath.Join(d.path, lockFile))
	if err != nil {
		return Change{}, fmt.Errorf("locking trust directory: %w", err)
	}
	defer unlock()
	old, err := d.peek(ctx, s)
	if err != nil {
		return Change{}, err
	}
	change := changeOf(old, s)
	if change.From == change.To {
		return Change{}, nil
	}
	if err := d.replace(s); err != nil {
		return Change{}, fmt.Errorf("installing trust document: %w", err)
	}
	return change, nil
}

// peek returns the installed document, if s may follow it.
func (d *Directory) peek(ctx context.Context, s Signed) (Document, error) {
	file, err := d.Installed(ctx, s.document.Org)
	if errors.Is(err, ErrNotInstalled) {
		return Document{}, nil
	}
	if err != nil {
		return Document{}, err
	}
	old, err := Peek(file)
	if err != nil {
		return Document{}, fmt.Errorf("the installed %s is damaged, look at it and move it away: %w", d.file(s.document.Org), err)
	}
	return old, s.document.Supersedes(old)
}

// replace is one step for every reader, and durable when it returns.
func (d *Directory) replace(s Signed) error {
	d.removeUnfinished()
	file, err := os.CreateTemp(d.path, unfinished+"*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already after a success
	_, err = file.Write(s.file)
	if err := errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), d.file(s.document.Org)); err != nil {
		return err
	}
	return syncDirectory(d.path)
}

// removeUnfinished clears away what killed processes left. The caller holds the lock.
func (d *Directory) removeUnfinished() {
	left, _ := filepath.Glob(filepath.Join(d.path, unfinished+"*")) // the pattern is a good one
	for _, path := range left {
		os.Remove(path)
	}
}

func (d *Directory) file(org identity.OrgID) string {
	return filepath.Join(d.path, string(org)+suffix)
}
