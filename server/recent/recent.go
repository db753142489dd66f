// Package recent remembers what was found out lately and stays true: the result of a
// computation that costs more than to look it up, or what happened and cannot be undone.
//
// It is for such facts only. Whatever may change, such as whether a credential was
// revoked, is asked each time where it is kept.
package recent

import "sync"

// Map remembers values by keys, at most twice its size of them: when a generation is
// full, the one before it goes, but for what was in use meanwhile. It is safe for
// concurrent use.
type Map[K comparable, V any] struct {
	size     int
	mu       sync.Mutex
	now, old map[K]V
}

// NewMap returns an empty map with generations of the given size.
func NewMap[K comparable, V any](size int) *Map[K, V] {
	return &Map[K, V]{size: size, now: map[K]V{}}
}

// Get returns the value of a key that was added and is not forgotten.
func (m *Map[K, V]) Get(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, known := m.now[key]; known {
		return value, true
	}
	value, known := m.old[key]
	if known { // in use, so it outlives its generation
		m.keep(key, value)
	}
	return value, known
}

// Add remembers a key's value.
func (m *Map[K, V]) Add(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(key, value)
}

func (m *Map[K, V]) keep(key K, value V) {
	if len(m.now) >= m.size {
		m.old, m.now = m.now, map[K]V{}
	}
	m.now[key] = value
}
