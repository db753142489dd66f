//go:build cgo

package remote_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/server/signer"
)

// Of a connection on which the signer never said anything it is certain that nothing was
// asked over it.
func TestNothingIsAskedBeforeTheSignerAnswersAGreeting(t *testing.T) {
	for name, greeted := range map[string]http.HandlerFunc{
		"it is cut off":            func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"there is too much":        answering(200, strings.Repeat(" ", 8<<10)),
		"the headers are too long": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", strings.Repeat("a", 8<<10)) },
		"the connection is to end": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") },
		"nothing comes": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(2 * time.Second):
			}
		},
	} {
		var asked atomic.Bool
		client := unwelcoming(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/greeting" {
				asked.Store(true)
			}
			greeted(w, r)
		})
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		err := client.Discard(ctx, "key-1")
		cancel()
		if !errors.Is(err, signer.ErrUnavailable) || !signer.Refused(err) || asked.Load() {
			t.Errorf("%s: asked %v, %v", name, asked.Load(), err)
		}
	}
}

// A signer that has no greeting, or no time, has taken the connection all the same.
func TestAnyAnswerToAGreetingIsGood(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusNotFound, http.StatusServiceUnavailable} {
		client := unwelcoming(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/greeting" {
				answering(status, "something")(w, r)
				return
			}
			answering(200, "{}")(w, r)
		})
		if err := client.Discard(context.Background(), "key-1"); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// What was asked and is lost stays so, though the next connection is refused.
func TestALostQuestionStaysLostWhenTheNextConnectionIsRefused(t *testing.T) {
	var questions, greetings atomic.Int64
	client := unwelcoming(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/greeting" && greetings.Add(1) == 1, r.URL.Path != "/v1/greeting" && questions.Add(1) == 1:
			answering(200, "{}")(w, r)
		default:
			panic(http.ErrAbortHandler)
		}
	})
	if err := client.Discard(context.Background(), "key-1"); err != nil {
		t.Fatal(err)
	}
	err := client.Discard(context.Background(), "key-1")
	if !errors.Is(err, signer.ErrNoAnswer) || signer.Refused(err) {
		t.Errorf("got %v", err)
	}
	if questions.Load() != 2 || greetings.Load() != 2 {
		t.Errorf("%d questions over %d connections", questions.Load(), greetings.Load())
	}
}

// A signer may do what it was asked, lose the connection, and refuse the very same when
// the transport asks again: what it was asked first may be done.
func TestARefusalOfARepeatedQuestionLeavesOpenWhatTheFirstDid(t *testing.T) {
	var questions atomic.Int64
	client := lying(t, func(w http.ResponseWriter, r *http.Request) {
		switch questions.Add(1) {
		case 1:
			answering(200, "{}")(w, r)
		case 2: // the share is released, and the answer lost
			panic(http.ErrAbortHandler)
		default:
			answering(403, `{"kind":"forbidden","reason":"signer.frozen","message":"the key is frozen"}`)(w, r)
		}
	})
	if err := client.Discard(context.Background(), "key-1"); err != nil {
		t.Fatal(err)
	}
	err := client.Discard(context.Background(), "key-1")
	if !errors.Is(err, signer.ErrNoAnswer) || signer.Refused(err) {
		t.Errorf("got %v", err)
	}
	if questions.Load() != 3 {
		t.Errorf("%d questions: the lost one was not asked again", questions.Load())
	}
	if err := client.Discard(context.Background(), "key-1"); !signer.Refused(err) {
		t.Errorf("a refusal of the first question: %v", err)
	}
}

// Messages name the side, what it shows and what an operator does about it.
func TestRefusedConnectionsTellTheOperatorWhatToDo(t *testing.T) {
	p := newPair(t)
	s := newScripted(t, p, agrees)
	at := serve(t, s, "127.0.0.1:0", p.signerSide(t))
	stranger := p
	stranger.caller = newKey(t)
	late := p.callerSide(t)
	late.Now = func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }
	foreign := p
	foreign.signer = newKey(t)
	for want, side := range map[string]func() error{
		"the signer refuses this server's certificate: remote error: tls: bad certificate": func() error {
			return dial(t, s, at.address, stranger.callerSide(t)).Discard(context.Background(), "key-1")
		},
		"the signer's is " + pinOf(t, p.signer).String() + "; another signer is at this address": func() error {
			return dial(t, s, at.address, foreign.callerSide(t)).Discard(context.Background(), "key-1")
		},
		"one of the two clocks is wrong: compare date -u": func() error {
			return dial(t, s, at.address, late).Discard(context.Background(), "key-1")
		},
	} {
		if err := side(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
