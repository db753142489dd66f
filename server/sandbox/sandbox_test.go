//go:build cgo

package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"keyferry/hsm/hsmtest"
	"keyferry/server"
	"keyferry/shares"
)

func configOf(t *testing.T, dir string) Config {
	t.Helper()
	hsmtest.Directory(t) // keeps SOFTHSM2_CONF to this test
	return Config{Dir: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
}

// use opens the sandbox, serves while something is done with it, and closes it.
func use(t *testing.T, c Config, act func(context.Context, *Sandbox) error) {
	t.Helper()
	s, err := Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	err = s.ServeWhile(context.Background(), func(ctx context.Context) error { return act(ctx, s) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// facts is what must be the same at each start of one sandbox.
type facts struct{ deployment, org, user, credential, app, key string }

func publish(t *testing.T, c Config) (found facts, token string, ceremony int) {
	t.Helper()
	use(t, c, func(ctx context.Context, s *Sandbox) error {
		key, err := s.Publish(ctx)
		a := s.account
		found = facts{s.settings.Deployment, string(a.org), string(a.user), string(a.credential), s.appID(), key}
		token, ceremony = a.token, len(s.Ceremony())
		return err
	})
	return found, token, ceremony
}

func TestStateIsUsedAgainWithAFreshToken(t *testing.T) {
	c := configOf(t, t.TempDir())
	first, firstToken, made := publish(t, c)
	second, secondToken, madeAgain := publish(t, c)
	if first != second {
		t.Errorf("first  %+v\nsecond %+v", first, second)
	}
	if firstToken == secondToken || made != signers || madeAgain != 0 {
		t.Errorf("same token: %v; %d tokens made, then %d", firstToken == secondToken, made, madeAgain)
	}
}

func TestInterruptedStartsAreRepaired(t *testing.T) {
	remove := func(parts ...string) func(*testing.T, layout) {
		return func(t *testing.T, l layout) {
			for _, part := range parts {
				if err := os.RemoveAll(l.at(part)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for name, interrupted := range map[string]func(*testing.T, layout){
		"before the state had its name": func(t *testing.T, l layout) {
			if err := os.Rename(l.root(), l.partial().root()); err != nil {
				t.Fatal(err)
			}
			remove(settingsFile, pinFile(3))(t, l.partial())
		},
		"before the server's database": remove(dataDir+"/server.db", dataDir+"/server.db-wal", dataDir+"/server.db-shm"),
		"before the credential":        remove(credentialFile),
		"before the sample key":        remove(sampleKeyFile),
		"before client.env":            remove("../client.env"),
	} {
		t.Run(name, func(t *testing.T) {
			c := configOf(t, t.TempDir())
			publish(t, c)
			l, err := newLayout(c.Dir)
			if err != nil {
				t.Fatal(err)
			}
			interrupted(t, l)
			publish(t, c)
			use(t, c, exportsItsSampleKey)
			if _, err := os.Stat(l.partial().root()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the interrupted state is still there: %v", err)
			}
		})
	}
}

func exportsItsSampleKey(ctx context.Context, s *Sandbox) error {
	id, err := s.ensureSampleKey(ctx)
	if err != nil {
		return err
	}
	c, err := s.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	key, err := c.Key(ctx, id)
	if err == nil && !key.Imported {
		err = errors.New("the sample key was not imported")
	}
	return err
}

func TestSecondOpenIsRefusedAndChangesNothing(t *testing.T) {
	c := configOf(t, t.TempDir())
	use(t, c, func(ctx context.Context, s *Sandbox) error {
		if _, err := s.Publish(ctx); err != nil {
			return err
		}
		if _, err := Open(ctx, c); !errors.Is(err, server.ErrRunning) {
			t.Errorf("the second open: %v", err)
		}
		_, err := os.Stat(s.ClientEnv())
		return err
	})
}

func TestOpenRemovesTheLastServersClientEnv(t *testing.T) {
	c := configOf(t, t.TempDir())
	publish(t, c)
	use(t, c, func(_ context.Context, s *Sandbox) error {
		if _, err := os.Stat(s.ClientEnv()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("client.env before it is published: %v", err)
		}
		return nil
	})
}

func TestClientEnvIsForAnyShellInAnyDirectory(t *testing.T) {
	c := configOf(t, filepath.Join(t.TempDir(), "it's $HOME `here`"))
	use(t, c, func(ctx context.Context, s *Sandbox) error {
		if _, err := s.Publish(ctx); err != nil {
			return err
		}
		script := `set -eu; . "$1"; cat "$DFNS_PRIVATE_KEY_FILE"; printf %s "$DFNS_PRIVATE_KEY"; sh -c 'printf %s "$DFNS_API_URL"'`
		output, err := exec.Command("/bin/sh", "-c", script, "sh", s.ClientEnv()).CombinedOutput()
		pem := string(s.account.privateKey)
		if want := pem + pem + s.URL(); string(output) != want {
			t.Errorf("the shell has\n%s\nand not\n%s", output, want)
		}
		return err
	})
}

func TestCertificateIsKeptWhileItFits(t *testing.T) {
	c := configOf(t, t.TempDir())
	c.TLS = true
	certificate := func(listen string) (text string) {
		c.Listen = listen
		use(t, c, func(ctx context.Context, s *Sandbox) error {
			if !strings.HasPrefix(s.URL(), "https://") {
				t.Errorf("served on %s", s.URL())
			}
			read, err := os.ReadFile(s.layout.at(certificateFile))
			text = string(read)
			return errors.Join(err, exportsItsSampleKey(ctx, s))
		})
		return text
	}
	first := certificate("127.0.0.1:0")
	if certificate("localhost:0") != first || certificate("0.0.0.0:0") != first {
		t.Error("a certificate that fits was made anew")
	}
	if certificate("127.0.0.2:0") == first {
		t.Error("a certificate that does not fit was kept")
	}
}

func TestRandomKeysAreScalarsOfTheirCurve(t *testing.T) {
	seen := map[string]bool{}
	for _, scheme := range shares.Schemes() {
		for range 20 {
			key, err := RandomKey(scheme.Curve())
			if err != nil {
				t.Fatal(err)
			}
			public, err := scheme.Curve().MulBase(key)
			key.Destroy()
			if err != nil || seen[public.Hex()] {
				t.Errorf("%s: %v, repeated: %v", scheme, err, seen[public.Hex()])
			}
			seen[public.Hex()] = true
		}
	}
	if _, err := RandomKey(0); err == nil {
		t.Error("a key of no curve")
	}
}
