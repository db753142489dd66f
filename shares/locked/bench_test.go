package locked

import "testing"

func BenchmarkNewAndDestroy(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		buffer, err := New(32)
		if err != nil {
			b.Fatal(err)
		}
		buffer.Bytes()[0] = 1
		buffer.Destroy()
	}
}

// All of a process's threads share one memory map.
func BenchmarkNewAndDestroyInParallel(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			buffer, err := New(32)
			if err != nil {
				b.Error(err)
				return
			}
			buffer.Bytes()[0] = 1
			buffer.Destroy()
		}
	})
}

func BenchmarkDo(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Do(func() {})
	}
}
