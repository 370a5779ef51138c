package operator_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/web"
)

// A service that is told to stop says so, goes on answering for a while, and lets
// its clients go.
func TestAServiceThatIsStoppedDrains(t *testing.T) {
	t.Parallel()
	w := servertest.NewWorld(t, func(o *servertest.Options) { o.Drain = 10 * time.Second })
	l := web.Listeners{Public: servertest.Listen(t, "127.0.0.1:0"), Private: servertest.Listen(t, "127.0.0.1:0")}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Server.Serve(ctx, l) }()
	get := func(url string) (*http.Response, string) {
		t.Helper()
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		return r, servertest.Text(r)
	}
	ready := "http://" + l.Private.Addr().String() + "/readyz"
	if err := w.Directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, body := get(ready); r.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", r.Status, body)
	}
	stop()
	for {
		if r, body := get(ready); r.StatusCode == http.StatusServiceUnavailable && strings.Contains(body, "stopping") {
			break
		}
	}
	r, _ := get("http://" + l.Public.Addr().String() + "/mail/config-v1.1.xml?emailaddress=office%40example.com")
	if r.StatusCode != http.StatusOK || !r.Close {
		t.Errorf("while it drains: %s, close %v", r.Status, r.Close)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Error("it doesn't end")
	}
}
