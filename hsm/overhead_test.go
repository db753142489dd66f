//go:build cgo

package hsm_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// rawOpener opens the same blobs as a token does, through miekg/pkcs11 alone: a session
// and a key handle of its own, found beforehand.
type rawOpener struct {
	*pkcs11.Ctx
	session pkcs11.SessionHandle
	key     pkcs11.ObjectHandle
}

func newRawOpener(b *testing.B, label string) rawOpener {
	r := rawAccess(b, label)
	session := r.session(b)
	return rawOpener{r.Ctx, session, r.findOne(b, session, pkcs11.CKO_SECRET_KEY, wrappingLabel)}
}

func (r rawOpener) open(blob, aad []byte) ([]byte, error) {
	gcm := pkcs11.NewGCMParams(blob[1:13], aad, 128)
	defer gcm.Free()
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, gcm)}
	if err := r.DecryptInit(r.session, mechanism, r.key); err != nil {
		return nil, err
	}
	return r.Decrypt(r.session, blob[13:])
}

// bed is tokens with one blob each.
type bed struct {
	tokens []*hsm.Token
	blobs  [][]byte
	aad    []byte
}

func newBed(b *testing.B, tokens, sessions int) bed {
	bed := bed{aad: []byte("keyferry benchmark, a place of usual length for associated data of one share")}
	for range tokens {
		cfg := hsmtest.Blank(b)
		cfg.Sessions = sessions
		token := hsmtest.Open(b, cfg)
		if _, err := token.Init(context.Background()); err != nil {
			b.Fatal(err)
		}
		blob, err := token.SealShare(context.Background(), hsm.FirstWrappingKey, secret(b, shareText), bed.aad)
		if err != nil {
			b.Fatal(err)
		}
		bed.tokens, bed.blobs = append(bed.tokens, token), append(bed.blobs, blob)
	}
	return bed
}

// ours and raw give one caller's way to open one share of a token.
func (d bed) ours(b *testing.B, i int) func() error {
	token, blob := d.tokens[i], d.blobs[i]
	ctx, cancel := context.WithCancel(b.Context()) // each request has its own
	b.Cleanup(cancel)
	return func() error {
		plaintext, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, d.aad, 16)
		if err != nil {
			return err
		}
		plaintext.Destroy()
		return nil
	}
}

func (d bed) raw(b *testing.B, i int) func() error {
	opener, blob := newRawOpener(b, d.tokens[i].Label()), d.blobs[i]
	want := []byte(shareText)
	return func() error {
		plaintext, err := opener.open(blob, d.aad)
		if err == nil && !bytes.Equal(plaintext, want) {
			err = fmt.Errorf("opened to something else")
		}
		clear(plaintext)
		return err
	}
}

// together measures n openings of each of the callers.
func together(b *testing.B, callers []func() error, n int) time.Duration {
	var running sync.WaitGroup
	start := time.Now()
	for _, open := range callers {
		running.Go(func() {
			for range n {
				if err := open(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	return time.Since(start)
}

// BenchmarkOpenShareAgainstRaw reports what package hsm costs on top of miekg/pkcs11. The
// two take turns in short rounds, so that most rounds have the machine to themselves and
// what disturbs the others disturbs both; ours/raw is the ratio of the medians.
func BenchmarkOpenShareAgainstRaw(b *testing.B) {
	for _, tokens := range []int{1, 5} {
		for _, callers := range []int{1, 2, 4, 8} {
			b.Run(fmt.Sprintf("tokens=%d/callers=%d", tokens, callers), func(b *testing.B) {
				compare(b, newBed(b, tokens, callers), callers)
			})
		}
	}
}

func compare(b *testing.B, bed bed, callers int) {
	const round = 50
	var raw, ours []func() error
	for i := range callers {
		raw = append(raw, bed.raw(b, i%len(bed.tokens)))
		ours = append(ours, bed.ours(b, i%len(bed.tokens)))
	}
	var rawTook, oursTook []time.Duration
	for b.Loop() {
		rawTook = append(rawTook, together(b, raw, round))
		oursTook = append(oursTook, together(b, ours, round))
	}
	perOpening := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(1000*round*callers) }
	b.ReportMetric(perOpening(median(rawTook)), "raw-µs")
	b.ReportMetric(perOpening(median(oursTook)), "ours-µs")
	b.ReportMetric(float64(median(oursTook))/float64(median(rawTook)), "ours/raw")
	b.ReportMetric(float64(slices.Min(oursTook))/float64(slices.Min(rawTook)), "fastest-ours/raw")
}

func median(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)/2]
}
