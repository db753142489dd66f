//go:build cgo

package demo

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"

	"keyferry/server/client"
	"keyferry/server/sandbox"
	"keyferry/shares"
	"keyferry/shares/locked"
	"keyferry/shares/manifest"
	"keyferry/shares/recovery"
)

const clusterIntroduction = `Keyferry demo: the signers stand apart.

An API server and five signers, six processes on this machine, in a directory that is
removed at the end. The server holds no share. Each signer has a token and a store of
its own, and believes documents that an offline root signed. No secret is shown.
`

const clusterConclusion = `
All of it held. Two of five signers can be away; three cannot, and no server can do
without them. What an operator freezes stays frozen, whatever users sign.
`

// RunCluster tells the story of a cluster on out and returns an error at the first thing
// that does not hold. It leaves no files and no processes behind.
func RunCluster(ctx context.Context, out io.Writer, log *slog.Logger) (err error) {
	dir, err := os.MkdirTemp("", "keyferry-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &clusterStory{story: story{out: out}}
	s.print(clusterIntroduction)
	if s.cluster, err = sandbox.NewCluster(ctx, dir, log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.cluster.Close()) }()
	if err := s.tell(ctx); err != nil {
		return err
	}
	s.print(clusterConclusion)
	return s.printing
}

// clusterStory is a story with a key, which goes in once and out several times.
type clusterStory struct {
	story
	cluster *sandbox.Cluster
	secret  *locked.Buffer
	public  shares.Point
	key     string
}

func (s *clusterStory) tell(ctx context.Context) (err error) {
	if err := s.start(ctx); err != nil {
		return err
	}
	if s.client, err = s.cluster.Client(); err != nil {
		return err
	}
	defer s.client.Close()
	scheme := shares.Schemes()[0]
	if s.secret, err = sandbox.RandomKey(scheme.Curve()); err != nil {
		return err
	}
	defer s.secret.Destroy()
	if s.public, err = scheme.Curve().MulBase(s.secret); err != nil {
		return err
	}
	if err := s.send(ctx, scheme); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.all, s.withoutOne, s.withoutThree, s.back, s.freeze} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *clusterStory) start(ctx context.Context) error {
	s.heading("Six processes are started")
	if err := s.cluster.Start(ctx); err != nil {
		return err
	}
	for n := range s.cluster.Manifest.Members {
		s.line(fmt.Sprintf("signer %d", n+1), "%s, id %.*s…", s.cluster.SignerURL(n), shown, s.cluster.SignerID(n))
	}
	s.line("API server", "%s, without a token", s.cluster.URL())
	s.line("", "Server and signers know each other's public keys: mutual TLS 1.3. The client")
	s.line("", "knows the signers by the cluster's manifest, which their tokens signed.")
	return nil
}

func (s *clusterStory) send(ctx context.Context, scheme shares.Scheme) error {
	request, err := s.split(ctx, scheme, s.secret, s.public)
	if err != nil {
		return fmt.Errorf("splitting the key: %w", err)
	}
	s.key, err = s.story.send(ctx, request, s.public)
	return err
}

func (s *clusterStory) all(ctx context.Context) error {
	s.heading("The key is exported, by all five")
	return s.export(ctx, nil)
}

func (s *clusterStory) withoutOne(ctx context.Context) error {
	s.heading("Signer 1 is killed, and the key is exported again")
	if err := s.cluster.KillSigner(0); err != nil {
		return err
	}
	return s.export(ctx, []manifest.ID{s.cluster.SignerID(0)})
}

// export takes the key home and compares it with what went out. Exactly the absent
// signers must be missing.
func (s *clusterStory) export(ctx context.Context, absent []manifest.ID) error {
	home, err := recovery.New()
	if err != nil {
		return err
	}
	defer home.Destroy()
	response, err := s.client.Export(ctx, s.key, home)
	if err != nil {
		return err
	}
	recovered, err := home.Recover(response, recovery.Options{PublicKey: s.public, Strict: true, Pin: s.client.Pin(s.key)})
	if err != nil {
		return err
	}
	defer recovered.Destroy()
	s.line("shares", "%d of %d came, each with its signer's valid statement", len(response.Shares), len(s.cluster.Manifest.Members))
	if err := s.checkMissing(response, absent); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(recovered.Secret.Bytes(), s.secret.Bytes()) != 1 {
		return errors.New("another private key came back")
	}
	s.line("private key", "recovered; its public key is %s", s.public)
	return nil
}

func (s *clusterStory) checkMissing(response recovery.Response, absent []manifest.ID) error {
	var missing []manifest.ID
	for _, id := range s.cluster.Manifest.IDs() {
		if !slices.ContainsFunc(response.Shares, func(share recovery.SealedShare) bool { return share.SignerID == id.String() }) {
			missing = append(missing, id)
			s.line("missing", "signer %.*s…", shown, id)
		}
	}
	if !slices.Equal(missing, absent) {
		return fmt.Errorf("%v are missing in place of %v", missing, absent)
	}
	return nil
}

func (s *clusterStory) withoutThree(ctx context.Context) error {
	s.heading("Signers 2 and 3 are killed too, and the export is refused")
	for _, n := range []int{1, 2} {
		if err := s.cluster.KillSigner(n); err != nil {
			return err
		}
	}
	return s.refused(ctx, http.StatusServiceUnavailable, "2 of 5")
}

// refused asks for an export that must be refused with these words.
func (s *clusterStory) refused(ctx context.Context, status int, words string) error {
	home, err := recovery.New()
	if err != nil {
		return err
	}
	defer home.Destroy()
	_, err = s.client.Export(ctx, s.key, home)
	refusal, ok := errors.AsType[*client.APIError](err)
	if !ok || refusal.Status != status || !strings.Contains(refusal.Message, words) {
		return fmt.Errorf("the export was to be refused with %d and %q, and: %w", status, words, err)
	}
	s.line("answer", "%d %s: %s", refusal.Status, http.StatusText(refusal.Status), refusal.Message)
	return nil
}

func (s *clusterStory) back(ctx context.Context) error {
	s.heading("All signers come back, and so does the export")
	for n := range 3 {
		if err := s.cluster.StartSigner(ctx, n); err != nil {
			return err
		}
	}
	return s.export(ctx, nil)
}

func (s *clusterStory) freeze(ctx context.Context) error {
	s.heading("Three operators freeze the key, each at his own signer")
	for n := range 3 {
		if err := s.cluster.Freeze(ctx, n, s.key); err != nil {
			return err
		}
	}
	if err := s.refused(ctx, http.StatusForbidden, "frozen"); err != nil {
		return err
	}
	s.line("", "The API server was not asked, and has no say in it.")
	s.heading("They thaw it")
	for n := range 3 {
		if err := s.cluster.Thaw(ctx, n, s.key); err != nil {
			return err
		}
	}
	return s.export(ctx, nil)
}
