package recent

import (
	"sync"
	"testing"
)

func TestMapGivesWhatWasAdded(t *testing.T) {
	m := NewMap[string, int](8)
	if _, known := m.Get("a"); known {
		t.Error("an empty map knows a key")
	}
	m.Add("a", 1)
	m.Add("b", 2)
	m.Add("a", 3)
	for key, want := range map[string]int{"a": 3, "b": 2} {
		if got, known := m.Get(key); !known || got != want {
			t.Errorf("%s: %d, %v", key, got, known)
		}
	}
}

func TestMapIsBoundedAndKeepsWhatIsInUse(t *testing.T) {
	const size = 8
	m := NewMap[int, int](size)
	for i := range 20 * size {
		m.Add(i, i)
		if got, known := m.Get(0); !known || got != 0 {
			t.Fatalf("after %d keys, the one in use is forgotten", i)
		}
		if held := len(m.now) + len(m.old); held > 2*size {
			t.Fatalf("%d keys are remembered", held)
		}
	}
	if _, known := m.Get(1); known {
		t.Error("a key that is not in use was not forgotten")
	}
}

func TestMapIsSafeForConcurrentUse(t *testing.T) {
	m := NewMap[int, int](8)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for i := range 1000 {
				m.Add(i%32, i%32)
				if got, known := m.Get(i % 16); known && got != i%16 {
					t.Errorf("key %d has value %d", i%16, got)
				}
			}
		})
	}
	running.Wait()
}
