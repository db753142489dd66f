//go:build linux && cgo

package faultp11_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"keyferry/hsm"
)

// weather is what a soak goes through: every function of daily work and of logging in
// again fails now and then, in all ways.
func weather() []string {
	return []string{
		"seed 20240607",
		"C_DecryptInit p=0.004 return=0xB3", "C_DecryptInit p=0.004 return=0x60", "C_Decrypt p=0.01 return=0x05",
		"C_Decrypt p=0.005 return=0x90", "C_Decrypt p=0.004 short", "C_Decrypt p=0.004 delay=1",
		"C_EncryptInit p=0.004 return=0x101", "C_Encrypt p=0.01 return=0x30", "C_Encrypt p=0.004 after=0x06",
		"C_SignInit p=0.02 return=0x82", "C_Sign p=0.02 return=0x30", "C_FindObjects p=0.01 return=0x31",
		"C_Login p=0.02 return=0x30", "C_OpenSession p=0.01 return=0xB1", "C_GetAttributeValue p=0.002 return=0x06",
		"C_DecryptInit call=777 die=0x30",
	}
}

// footprint is what a leak shows in.
type footprint struct {
	sessions, descriptors, goroutines, resident, locked int // the last two in KiB
}

func (b *bench) footprint(t *testing.T) footprint {
	t.Helper()
	runtime.GC()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return footprint{stats(t).Sessions, len(descriptors), runtime.NumGoroutine(), residentMemory(t), lockedMemory(t)}
}

// soak does n operations from four callers, who wait while the token is not asked. All
// that may fail is what cannot be mended within one operation, and it has a name.
func (b *bench) soak(t *testing.T, n int) (failed int) {
	t.Helper()
	results := make(chan error)
	for range 4 {
		go func() {
			for i := range n / 4 {
				results <- patiently(b.somehow(i))
			}
		}()
	}
	for range n / 4 * 4 {
		switch err := <-results; {
		case err == nil:
		case errors.Is(err, hsm.ErrTokenGone), errors.Is(err, hsm.ErrBusy), errors.Is(err, hsm.ErrKeysChanged):
			failed++
		default:
			t.Errorf("a failure without a name: %v", err)
			failed++
		}
	}
	return failed
}

// somehow takes a turn alone, on a goroutine that can be left behind, or together with the
// next one.
func (b *bench) somehow(i int) func() error {
	switch i % 3 {
	case 0:
		return b.turn(i)
	case 1:
		return b.in(hsm.Expendable(context.Background())).turn(i)
	}
	return func() error {
		return b.Together(context.Background(), func(ctx context.Context) error {
			in := b.in(ctx)
			return errors.Join(in.turn(i)(), in.turn(i+1)())
		})
	}
}

// turn is mostly opening and sealing.
func (b *bench) turn(i int) func() error {
	switch i % 8 {
	case 0:
		return b.sign
	case 1, 2, 3:
		return b.seal
	}
	return b.open
}

func patiently(do func() error) error {
	err := do()
	for errors.Is(err, hsm.ErrNotAsked) {
		time.Sleep(10 * time.Millisecond)
		err = do()
	}
	return err
}

func TestSoakWithFaultsAtRandomGrowsNothing(t *testing.T) {
	b := newBench(t, nil)
	operations, pace := 2_000, 1
	if long() {
		operations, pace = 100_000, 10
	}
	plan(t, weather()...)
	b.soak(t, operations/4) // warms up pools and heaps
	plan(t)
	soon(t, "the token", b.open)
	b.loseSessions(t)
	soon(t, "the token", b.open)
	before := b.footprint(t)
	failed := 0
	for range pace {
		plan(t, weather()...)
		failed += b.soak(t, operations/pace)
		plan(t)
		soon(t, "the token", func() error { return errors.Join(b.open(), b.seal(), b.sign()) })
	}
	if err := settle(before.goroutines); err != nil {
		t.Error(err)
	}
	time.Sleep(10 * time.Millisecond)
	b.loseSessions(t) // what the token called closed was left alone
	soon(t, "the token", b.open)
	after := b.footprint(t)
	t.Logf("%d operations, %d refused; before %+v, after %+v, %+v", operations, failed, before, after, b.Status())
	if after.sessions > before.sessions+2 || after.descriptors > before.descriptors+2 ||
		after.locked > before.locked+64 || after.resident > before.resident+8<<10 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if b.Status().Reconnects < 5 {
		t.Errorf("nothing was mended: %+v", b.Status())
	}
}
