//go:build cgo

package hsm

import "testing"

func TestReachMeasuresTheFirstCallsAndThenSome(t *testing.T) {
	var r reach
	measured := 0
	const calls = 4 * measuredEvery
	for call := 1; call <= calls; call++ {
		if r.next() == 0 {
			measured++
			r.saw(5000)
		} else if call <= firstMeasured {
			t.Fatalf("call %d is not measured", call)
		}
	}
	if want := firstMeasured + calls/measuredEvery; measured != want {
		t.Errorf("%d calls were measured, want %d", measured, want)
	}
}

// Calls that come before any measured one ended are measured too.
func TestReachKnowsNothingBeforeItMeasured(t *testing.T) {
	var r reach
	for range 3 * firstMeasured {
		if wiped := r.next(); wiped != 0 {
			t.Fatalf("%d bytes are wiped", wiped)
		}
	}
}

func TestReachGrowsWithTheDeepestCall(t *testing.T) {
	for name, test := range map[string]struct {
		saw  []uint64
		want uint64
	}{
		"a shallow one":        {[]uint64{100}, leastWiped},
		"a deep one":           {[]uint64{5000}, 20000},
		"shallow after deep":   {[]uint64{9000, 100}, 36000},
		"deep after shallow":   {[]uint64{100, 9000}, 36000},
		"beyond what is wiped": {[]uint64{mostWiped}, mostWiped},
	} {
		var r reach
		for _, bytes := range test.saw {
			r.saw(bytes)
		}
		var wiped uint64
		for range firstMeasured + 1 {
			wiped = r.next()
		}
		if wiped != test.want {
			t.Errorf("%s: %d bytes are wiped, want %d", name, wiped, test.want)
		}
	}
}
