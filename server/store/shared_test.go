package store

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestLookupsAtTheSameTimeAreShared(t *testing.T) {
	var s shared[string, int]
	leader, _ := s.join("a") // and has not begun
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			got, err := s.get(context.Background(), "a", func(context.Context) (int, error) { return 0, errTest })
			if err != nil || got != 7 {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
	if got, err := s.get(context.Background(), "b", func(context.Context) (int, error) { return 2, nil }); err != nil || got != 2 {
		t.Errorf("another key: %d, %v", got, err)
	}
	leader.look(context.Background(), func(context.Context) (int, error) { return 7, nil })
	all.Wait()
}

// A lookup that has begun may have read what was changed since.
func TestLookupThatHasBegunIsNotShared(t *testing.T) {
	var s shared[string, int]
	begun, end, first := make(chan struct{}), make(chan struct{}), make(chan int)
	go func() {
		got, _ := s.get(context.Background(), "a", func(context.Context) (int, error) {
			close(begun)
			<-end
			return 1, nil
		})
		first <- got
	}()
	<-begun
	got, err := s.get(context.Background(), "a", func(context.Context) (int, error) { return 2, nil })
	if err != nil || got != 2 {
		t.Errorf("got %d, %v", got, err)
	}
	close(end)
	if got := <-first; got != 1 {
		t.Errorf("the first got %d", got)
	}
}

func TestLookupOfOneWhoLeavesIsNotTheOthersError(t *testing.T) {
	var s shared[string, int]
	for name, left := range map[string]error{"cancelled": context.Canceled, "out of time": context.DeadlineExceeded} {
		leader, _ := s.join(name)
		leader.err = left
		close(leader.done)
		got, err := s.get(context.Background(), name, func(context.Context) (int, error) { return 3, nil })
		if err != nil || got != 3 {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
	leader, _ := s.join("refused")
	leader.err = errTest
	close(leader.done)
	if _, err := s.get(context.Background(), "refused", func(context.Context) (int, error) { return 3, nil }); !errors.Is(err, errTest) {
		t.Errorf("a refusal is not shared: %v", err)
	}
}

func TestCallerWhoLeavesAwaitsNoLookup(t *testing.T) {
	var s shared[string, int]
	s.join("a") // and it is never made
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.get(ctx, "a", func(context.Context) (int, error) { return 1, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLookupThatPanicsIsAnErrorOfTheOthers(t *testing.T) {
	var s shared[string, int]
	leader, _ := s.join("a")
	func() {
		defer func() { _ = recover() }()
		leader.look(context.Background(), func(context.Context) (int, error) { panic("oh no") })
	}()
	if _, err := s.get(context.Background(), "a", func(context.Context) (int, error) { return 1, nil }); !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v", err)
	}
}
