package testkit

import (
	"context"
	"testing"
	"time"
)

// patience bounds whatever a test waits for. It is much longer than anything takes
// on a machine that is busy with other things, and shorter than a test may run.
const patience = 2 * time.Minute

// Until waits until something holds, two minutes at most. The test fails where it
// never does, with what says() says then.
func Until(t testing.TB, says func() string, holds func() bool) {
	t.Helper()
	often := time.NewTicker(20 * time.Millisecond)
	defer often.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-often.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, says())
		}
	}
}

// poll is Until for a condition that asks somebody and must be given up in time.
func poll(t testing.TB, failure string, holds func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	Until(t, func() string { return failure }, func() bool { return holds(ctx) })
}
