package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/logs"
	"autoconfig/internal/server/servertest"
)

// A burst of requests is a few lines, which name each of them or count it.
func TestABurstOfRequestsInTheLog(t *testing.T) {
	t.Parallel()
	const requests = 10_000
	var text bytes.Buffer // slog's handler writes one line at a time
	now := time.Now()
	w := worldOn(t, servertest.Ground{Logger: slog.New(slog.NewTextHandler(&text, nil))}, func(o *servertest.Options) { o.Now = func() time.Time { return now } })
	public := w.server.Public(false)
	var group sync.WaitGroup
	for _, path := range []string{"/mail/config-v1.1.xml?emailaddress=office%40example.com", "/nowhere/office@example.com"} {
		for range 2 {
			group.Go(func() {
				for range requests / 4 {
					do(public, http.MethodGet, "http://autoconfig.example.com"+path, "")
				}
			})
		}
	}
	group.Wait()
	now = now.Add(2 * time.Second)
	do(public, http.MethodGet, "http://autoconfig.example.com/mail/config-v1.1.xml", "")
	said := text.String()
	total := strings.Count(said, "msg=request ")
	if total != 100+1 {
		t.Errorf("%d lines of single requests", total)
	}
	for _, found := range regexp.MustCompile(`msg=requests route=\S+ status=\d+ count=(\d+) slowest=`).FindAllStringSubmatch(said, -1) {
		n, _ := strconv.Atoi(found[1])
		total += n
	}
	if lines := strings.Count(said, "\n"); total != requests+1 || lines > 110 || strings.Contains(said, "office") {
		t.Errorf("%d lines count %d requests:\n%.3000s", lines, total, said)
	}
}

// stuck is a writer that never comes back until the test ends.
type stuck struct{ end <-chan struct{} }

func (s stuck) Write(b []byte) (int, error) {
	<-s.end
	return len(b), nil
}

// Nobody waits for the log: with a writer that is stuck, every request is answered,
// and the metrics say what was lost.
func TestALogThatIsStuckStopsNoAnswer(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	log, handler := logs.New(stuck{end}, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- log.Run(ctx) }()
	t.Cleanup(func() {
		close(end)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	var now time.Time // each request has a second of its own, and so a line
	w := worldOn(t, servertest.Ground{Logger: slog.New(handler)}, func(o *servertest.Options) {
		o.Now = func() time.Time { now = now.Add(time.Second); return now }
		o.LinesLost = log.Lost
	})
	public := w.server.Public(false)
	for i := range 6000 {
		if r := do(public, http.MethodGet, "http://autoconfig.example.com/mail/config-v1.1.xml", ""); r.StatusCode != http.StatusOK {
			t.Fatalf("request %d: %s", i, r.Status)
		}
	}
	metrics := text(do(w.server.Private(), http.MethodGet, "http://127.0.0.1/metrics", ""))
	found := regexp.MustCompile(`(?m)^autoconfig_log_lines_lost_total (\d+)`).FindStringSubmatch(metrics)
	if found == nil {
		t.Fatal("no metric")
	}
	if lost, _ := strconv.Atoi(found[1]); lost < 6000-4096 {
		t.Errorf("%d lines lost", lost)
	}
}
