package testkit

import (
	"os"
	"strconv"
	"testing"
)

// Size is how much of something a test or a benchmark does: the usual number, or that of an
// environment variable, which make torture sets. A variable that isn't a number above 0 fails the
// test, which would otherwise pass for a bigger one.
func Size(t testing.TB, variable string, usual int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number above 0", variable, text)
	}
	return n
}
