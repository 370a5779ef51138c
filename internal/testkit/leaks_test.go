package testkit_test

import (
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

func TestAGoroutineThatIsLeftIsNamed(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	defer close(end)
	go leftover(end)
	if err := testkit.LeftBehind(0); err == nil || !strings.Contains(err.Error(), "leftover") {
		t.Errorf("a goroutine that waits for ever: %v", err)
	}
}

func leftover(end <-chan struct{}) { <-end }
