//go:build cgo

package hsm_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// rawToken does what a token does, through miekg/pkcs11 alone: a session and key handles of
// its own, found beforehand.
type rawToken struct {
	*pkcs11.Ctx
	session       pkcs11.SessionHandle
	sealing, sign pkcs11.ObjectHandle
}

func newRawToken(b *testing.B, label string) rawToken {
	r := rawAccess(b, label)
	session := r.session(b)
	return rawToken{
		r.Ctx, session,
		r.findOne(b, session, pkcs11.CKO_SECRET_KEY, wrappingLabel), r.findOne(b, session, pkcs11.CKO_PRIVATE_KEY, identityLabel),
	}
}

func (r rawToken) open(blob, aad []byte) error {
	gcm := pkcs11.NewGCMParams(blob[1:13], aad, 128)
	defer gcm.Free()
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, gcm)}
	if err := r.DecryptInit(r.session, mechanism, r.sealing); err != nil {
		return err
	}
	plaintext, err := r.Decrypt(r.session, blob[13:])
	if err == nil && string(plaintext) != shareText {
		err = errors.New("it opened to something else")
	}
	clear(plaintext)
	return err
}

func (r rawToken) signDigest(digest []byte) error {
	if err := r.SignInit(r.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}, r.sign); err != nil {
		return err
	}
	_, err := r.Sign(r.session, digest)
	return err
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

// open opens the share of a token.
func (d bed) open(ctx context.Context, i int) error {
	plaintext, err := d.tokens[i].OpenShare(ctx, hsm.FirstWrappingKey, d.blobs[i], d.aad, 16)
	if err == nil {
		plaintext.Destroy()
	}
	return err
}

func (d bed) sign(ctx context.Context, i int) error {
	_, err := d.tokens[i].Identity().In(ctx).Sign(rand.Reader, d.blobs[i][:32], crypto.SHA256)
	return err
}

// work is what each caller does again and again, with a token and without package hsm.
type work struct {
	name string
	ours func(ctx context.Context, d bed, i int) error
	raw  func(d bed, i int, r rawToken) error
}

// works are an opening, and what a signer has its token do for one export.
var works = []work{
	{
		"opening",
		func(ctx context.Context, d bed, i int) error { return d.open(ctx, i) },
		func(d bed, i int, r rawToken) error { return r.open(d.blobs[i], d.aad) },
	}, {
		"export",
		func(ctx context.Context, d bed, i int) error {
			return d.tokens[i].Together(ctx, func(ctx context.Context) error {
				return errors.Join(d.open(ctx, i), d.sign(ctx, i))
			})
		},
		func(d bed, i int, r rawToken) error {
			return errors.Join(r.open(d.blobs[i], d.aad), r.signDigest(d.blobs[i][:32]))
		},
	},
}

// callers are goroutines that can be left behind, as those are that ask signers in the same
// process, and others, whose work is handed over.
var callers = []struct {
	name string
	in   func(context.Context) context.Context
}{
	{"expendable", hsm.Expendable},
	{"handing-over", func(ctx context.Context) context.Context { return ctx }},
}

// together measures n rounds of each of the callers.
func together(b *testing.B, callers []func() error, n int) time.Duration {
	var running sync.WaitGroup
	start := time.Now()
	for _, act := range callers {
		running.Go(func() {
			for range n {
				if err := act(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	return time.Since(start)
}

// BenchmarkAgainstRaw reports what package hsm costs on top of miekg/pkcs11. The two take
// turns in short rounds, so that most rounds have the machine to themselves and what disturbs
// the others disturbs both; ours/raw is the ratio of the medians.
func BenchmarkAgainstRaw(b *testing.B) {
	for _, work := range works {
		for _, caller := range callers {
			for _, tokens := range []int{1, 5} {
				for _, n := range []int{1, 2, 4, 8} {
					b.Run(fmt.Sprintf("%s/%s/tokens=%d/callers=%d", work.name, caller.name, tokens, n), func(b *testing.B) {
						compare(b, newBed(b, tokens, n), work, n, caller.in)
					})
				}
			}
		}
	}
}

func compare(b *testing.B, bed bed, work work, callers int, in func(context.Context) context.Context) {
	const round = 50
	var raw, ours []func() error
	for caller := range callers {
		i := caller % len(bed.tokens)
		access := newRawToken(b, bed.tokens[i].Label())
		ctx, cancel := context.WithCancel(b.Context()) // each request has its own
		b.Cleanup(cancel)
		ctx = in(ctx)
		raw = append(raw, func() error { return work.raw(bed, i, access) })
		ours = append(ours, func() error { return work.ours(ctx, bed, i) })
	}
	var rawTook, oursTook []time.Duration
	for b.Loop() {
		rawTook = append(rawTook, together(b, raw, round))
		oursTook = append(oursTook, together(b, ours, round))
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(1000*round*callers) }
	b.ReportMetric(each(median(rawTook)), "raw-µs")
	b.ReportMetric(each(median(oursTook)), "ours-µs")
	b.ReportMetric(float64(median(oursTook))/float64(median(rawTook)), "ours/raw")
	b.ReportMetric(float64(slices.Min(oursTook))/float64(slices.Min(rawTook)), "fastest-ours/raw")
}

func median(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)/2]
}
