package doctor

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/webhook"
)

// ledger keeps results in memory.
type ledger struct {
	mu      sync.Mutex
	names   []string
	results map[string]Result
	holder  string
	until   time.Time
}

func (l *ledger) TakeLease(_ context.Context, _, holder string, now, until time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder != holder && now.Before(l.until) {
		return false, nil
	}
	l.holder, l.until = holder, until
	return true, nil
}

func (l *ledger) DueChecks(_ context.Context, now time.Time, limit int) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []string
	for _, name := range l.names {
		if r, ok := l.results[name]; (!ok || !r.DueAt.After(now)) && len(due) < limit {
			due = append(due, name)
		}
	}
	return due, nil
}

func (l *ledger) PutCheck(_ context.Context, r Result) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.results[r.Report.Domain] = r
	return nil
}

func (l *ledger) Check(_ context.Context, name string) (Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.results[name]
	if !ok {
		return r, errors.New("none")
	}
	return r, nil
}

// newWatch watches example.com in a world.
func newWatch(t *testing.T, w *world) (*Watcher, *ledger, *[]string) {
	t.Helper()
	kept := &ledger{names: []string{"example.com"}, results: map[string]Result{}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var told []string
	w.checker.Now = nil
	return &Watcher{
		Results: kept, Checker: w.checker, Every: 24 * time.Hour, Holder: "one",
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		Plan: func(context.Context, string) (*Plan, error) { return &w.plan, nil },
		Changed: func(_ context.Context, before, after Result) {
			told = append(told, before.Report.State()+" > "+after.Report.State())
		},
	}, kept, &told
}

func TestWatcherChecksWhatIsDueAndTellsOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	watch, kept, told := newWatch(t, w)
	now := watch.Now()
	watch.Now = func() time.Time { return now }
	once := func() Result {
		t.Helper()
		w.dns.Set(t, w.records...)
		if err := watch.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		return kept.results["example.com"]
	}
	first := once()
	if first.Report.State() != "good" || first.DueAt.Sub(now) < 21*time.Hour || first.DueAt.Sub(now) > 27*time.Hour {
		t.Fatalf("%+v", first)
	}
	now = now.Add(time.Hour)
	if again := once(); !again.CheckedAt.Equal(first.CheckedAt) {
		t.Errorf("checked before it was due: %+v", again)
	}
	w.remove(t, "autoconfig.example.com")
	now = now.Add(27 * time.Hour)
	if r := once(); r.Report.State() != "error" || !slices.Equal(*told, []string{"good > error"}) {
		t.Errorf("%s, told %v", r.Report.State(), *told)
	}
	now = now.Add(27 * time.Hour)
	once()
	if len(*told) != 1 {
		t.Errorf("told of no change: %v", *told)
	}
}

// Only one replica checks at a time; when it is gone, another goes on.
func TestWatchersTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, kept, _ := newWatch(t, w)
	if err := one.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := *one
	other.Holder = "two"
	delete(kept.results, "example.com")
	if err := other.Once(t.Context()); err != nil || len(kept.results) != 0 {
		t.Errorf("the other checked as well: %v", err)
	}
	later := one.Now().Add(3 * time.Minute)
	other.Now = func() time.Time { return later }
	if err := other.Once(t.Context()); err != nil || len(kept.results) != 1 {
		t.Errorf("nobody checks any more: %v", err)
	}
}

// What couldn't be found out is tried again sooner, and ever later.
func TestWatcherBacksOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	watch, kept, _ := newWatch(t, w)
	w.checker.Resolver = &probe.Resolver{Servers: []string{"127.0.0.1:9"}, Timeout: 50 * time.Millisecond}
	now := watch.Now()
	watch.Now = func() time.Time { return now }
	for _, want := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute} {
		if err := watch.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := kept.results["example.com"]
		if got := r.DueAt.Sub(r.CheckedAt); got != want {
			t.Errorf("due in %s, want %s after %d failures", got, want, r.Failures)
		}
		now = r.DueAt
	}
}

func TestWatcherEndsAndSaysWhatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	watch, kept, _ := newWatch(t, w)
	oops := errors.New("oops")
	watch.Plan = func(context.Context, string) (*Plan, error) { return nil, oops }
	if err := watch.Once(t.Context()); !errors.Is(err, oops) || len(kept.results) > 0 {
		t.Errorf("%v, kept %v", err, kept.results)
	}
	tick := make(chan time.Time, 1)
	tick <- time.Time{}
	watch.Tick = tick
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- watch.Run(ctx) }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A webhook that redirects gets the notice, and nobody else does.
func TestWebhookFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var told atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told.Add(1) }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	err := Webhook{Endpoint: webhook.Endpoint{URL: server.URL, Key: []byte("0123456789abcdef")}}.Send(t.Context(), Result{}, Result{CheckedAt: time.Unix(1e9, 0)})
	if err == nil || told.Load() != 0 {
		t.Errorf("%v, and %d notices elsewhere", err, told.Load())
	}
}

// The signature is that of Standard Webhooks, computed here anew; a server's fault
// is tried again, a refusal isn't.
func TestWebhookIsSigned(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef")
	var answers []int
	var bodies, ids, stamps []string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "." + string(body)))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("Webhook-Signature") != want {
			t.Errorf("signature %s, want %s", r.Header.Get("Webhook-Signature"), want)
		}
		bodies = append(bodies, string(body))
		ids, stamps = append(ids, r.Header.Get("Webhook-Id")), append(stamps, r.Header.Get("Webhook-Timestamp"))
		rw.WriteHeader(answers[0])
		answers = answers[1:]
	}))
	t.Cleanup(server.Close)
	before := Result{Report: Report{Domain: "example.com"}}
	after := Result{Report: Report{Domain: "example.com", Findings: []Finding{{Code: HostMissing, Severity: Error}}}, CheckedAt: time.Unix(1e9, 0)}
	for name, c := range map[string]struct {
		answers []int
		sent    int
		fails   bool
	}{
		"good":      {[]int{204}, 1, false},
		"recovers":  {[]int{500, 503, 200}, 3, false},
		"is broken": {[]int{500, 500, 500}, 3, true},
		"refuses":   {[]int{403}, 1, true},
	} {
		answers, bodies, ids, stamps = c.answers, nil, nil, nil
		now := time.Unix(2e9, 0)
		hook := Webhook{Endpoint: webhook.Endpoint{URL: server.URL, Key: key}, Now: func() time.Time {
			now = now.Add(time.Second)
			return now
		}}
		err := hook.Send(t.Context(), before, after)
		if (err != nil) != c.fails || len(bodies) != c.sent {
			t.Errorf("%s: %v after %d", name, err, len(bodies))
		}
		// The same event, at the time of each attempt, whenever the domain was checked.
		if want := []string{"2000000001", "2000000002", "2000000003"}[:c.sent]; !slices.Equal(stamps, want) {
			t.Errorf("%s: sent at %s, want %s", name, stamps, want)
		}
		if len(slices.Compact(ids)) != 1 || strings.Contains(ids[0], ".") {
			t.Errorf("%s: ids %s", name, ids)
		}
	}
	var n notice
	if err := json.Unmarshal([]byte(bodies[0]), &n); err != nil || n.Data.Before != "good" || n.Data.After != "error" || n.Data.Domain != "example.com" || !strings.Contains(bodies[0], "HOST-MISSING") {
		t.Errorf("%+v %v", n, err)
	}
}
