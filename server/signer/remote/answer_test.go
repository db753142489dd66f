//go:build cgo

package remote_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/remote"
)

// lying answers at the network as the handler says, with the pinned key. Connections it
// takes as a signer does.
func lying(t *testing.T, handler http.HandlerFunc) *remote.Client {
	t.Helper()
	return unwelcoming(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/greeting" {
			answering(200, "{}")(w, r)
			return
		}
		handler(w, r)
	})
}

// unwelcoming has the handler answer greetings too.
func unwelcoming(t *testing.T, handler http.HandlerFunc) *remote.Client {
	t.Helper()
	p := newPair(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificateOf(t, p.signer.(*ecdsa.PrivateKey))}})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return dial(t, newScripted(t, p, agrees), listener.Addr().String(), p.callerSide(t))
}

func answering(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte(text))
	}
}

func TestAnswersThatMakeNoSenseAreStatementsOfTheSigner(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "garbage": "%%", "a list": "[]", "an unknown member": `{"released":true}`, "too much": strings.Repeat(" ", 2<<20) + "{}",
	} {
		if err := lying(t, answering(200, text)).Discard(context.Background(), "key-1"); !errors.Is(err, signer.ErrStatement) || signer.Refused(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": `{}`, "a member twice": `{"ciphertext":"","ciphertext":"","statement":{}}`, "half a statement": `{"ciphertext":"AAAA","statement":{"signerId":"x"}}`,
	} {
		if share, err := lying(t, answering(200, text)).Export(context.Background(), signer.Request{}); !errors.Is(err, signer.ErrStatement) || share.Ciphertext != nil {
			t.Errorf("export, %s: got %v", name, err)
		}
		if prepared, err := lying(t, answering(200, text)).Prepare(context.Background(), signer.Request{}); !errors.Is(err, signer.ErrStatement) || prepared.Public != nil {
			t.Errorf("prepare, %s: got %v", name, err)
		}
	}
}

func TestRefusalsOfOtherFormsCountForNothing(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":           "",
		"a page":            "<html>",
		"no reason":         `{"kind":"forbidden","message":"no"}`,
		"an unknown kind":   `{"kind":"unauthenticated","reason":"signer.frozen","message":"no"}`,
		"a reason to print": `{"kind":"forbidden","reason":"a\nb","message":"no"}`,
		"control letters":   `{"kind":"forbidden","reason":"signer.frozen","message":"\u001b[31mno"}`,
		"a long message":    `{"kind":"forbidden","reason":"signer.frozen","message":"` + strings.Repeat("x", 400) + `"}`,
		"own trouble":       `{}`,
	} {
		err := lying(t, answering(403, text)).Discard(context.Background(), "key-1")
		if err == nil || signer.Refused(err) || fault.ReasonOf(err) != fault.ReasonInternal {
			t.Errorf("%s: got %v", name, err)
		}
	}
	good := `{"kind":"forbidden","reason":"signer.frozen","message":"the key is frozen"}`
	if err := lying(t, answering(403, good)).Discard(context.Background(), "key-1"); !errors.Is(err, signer.ErrFrozen) || !signer.Refused(err) {
		t.Errorf("a refusal: %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	followed := false
	elsewhere := lyingServer(t, func(http.ResponseWriter, *http.Request) { followed = true })
	client := lying(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	if err := client.Discard(context.Background(), "key-1"); err == nil || signer.Refused(err) || followed {
		t.Errorf("followed %v, %v", followed, err)
	}
}

func lyingServer(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return "http://" + listener.Addr().String()
}

func TestASignerThatIsDownReleasedNothing(t *testing.T) {
	p := newPair(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = dial(t, newScripted(t, p, agrees), listener.Addr().String(), p.callerSide(t)).Discard(context.Background(), "key-1")
	if !errors.Is(err, signer.ErrUnavailable) || !signer.Refused(err) {
		t.Errorf("got %v", err)
	}
}

func TestALostAnswerLeavesOpenWhatWasDone(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"cut off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"too late": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(2 * time.Second):
			}
		},
		"half": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("{"))
		},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		err := lying(t, handler).Discard(ctx, "key-1")
		cancel()
		if !errors.Is(err, signer.ErrNoAnswer) || signer.Refused(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The connections that are left from before must not cost the first question.
func TestASignerThatWasRestartedIsFoundAgain(t *testing.T) {
	p := newPair(t)
	s := newScripted(t, p, agrees)
	at := serve(t, s, "127.0.0.1:0", p.signerSide(t))
	client := dial(t, s, at.address, p.callerSide(t))
	for range 3 {
		if err := client.Discard(context.Background(), "key-1"); err != nil {
			t.Fatal(err)
		}
		at.end()
		// A connection that was just cut may have carried the question.
		if err := client.Discard(context.Background(), "key-1"); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("while it is down: %v", err)
		}
		at = serve(t, s, at.address, p.signerSide(t))
	}
	if err := client.Discard(context.Background(), "key-1"); err != nil {
		t.Error(err)
	}
}

func TestAPanicIsTroubleAndTheNextQuestionIsAnswered(t *testing.T) {
	p := newPair(t)
	calls := 0
	s := newScripted(t, p, func(context.Context, keyring.KeyID) error {
		if calls++; calls == 1 {
			panic("secret words")
		}
		return nil
	})
	at := serve(t, s, "127.0.0.1:0", p.signerSide(t))
	client := dial(t, s, at.address, p.callerSide(t))
	if err := client.Discard(context.Background(), "key-1"); err == nil || signer.Refused(err) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	if err := client.Discard(context.Background(), "key-1"); err != nil {
		t.Error(err)
	}
}
