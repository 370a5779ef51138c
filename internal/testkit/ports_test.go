package testkit_test

import (
	"net"
	"testing"

	"autoconfig/internal/testkit"
)

// A port is given to one test only, though nobody listens there yet.
func TestAFreePortIsGivenOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2000 { // of 16,000: by chance alone, some would come twice
		port := testkit.FreePort(t)
		if seen[port] {
			t.Fatalf("port %s is given twice", port)
		}
		seen[port] = true
	}
	for port := range seen {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			t.Fatal(err)
		}
		_ = listener.Close()
		return
	}
}
