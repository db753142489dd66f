package throwaway

import "testing"

func TestNothing(t *testing.T) {}
