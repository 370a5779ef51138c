package testkit

import (
	"fmt"
	"net/http"
	"runtime"
	"time"

	"go.uber.org/goleak"
)

// Run runs a package's tests, closes what they share, and fails where goroutines are
// left that nobody will end:
//
//	func TestMain(m *testing.M) { os.Exit(testkit.Run(m, servers.Close)) }
func Run(m interface{ Run() int }, closers ...func()) (code int) {
	code = m.Run()
	for _, end := range closers {
		end()
	}
	if code != 0 {
		return code
	}
	http.DefaultClient.CloseIdleConnections()
	if err := leftBehind(patience); err != nil {
		fmt.Println("FAIL: tests are over, and", err)
		return 1
	}
	return 0
}

// leftBehind waits until only those goroutines are left that last as long as the process.
func leftBehind(bound time.Duration) (err error) {
	for deadline := time.Now().Add(bound); ; {
		runtime.GC() // a cache's own goroutine ends when nobody has the cache any more
		if err = goleak.Find(pebble); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// pebble's validator has no way to end (testkit/acme).
var pebble = goleak.IgnoreTopFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks")
