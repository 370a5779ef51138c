package server_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/web"
)

func TestWellKnownRedirectsToTheServiceForEveryMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, method := range []string{http.MethodGet, "PROPFIND", http.MethodOptions, http.MethodHead} {
		for service, want := range map[string]string{
			"caldav": "https://dav.several.example/", "carddav": "https://dav.several.example/contacts/", "jmap": "https://jmap.several.example/session",
		} {
			for _, host := range []string{"several.example", "SEVERAL.example:443", "autoconfig.several.example"} {
				r := w.ask(t, method, "http://"+host+"/.well-known/"+service, "")
				if r.StatusCode != http.StatusMovedPermanently || r.Header.Get("Location") != want {
					t.Errorf("%s %s %s: %s %q", method, host, service, r.Status, r.Header.Get("Location"))
				}
			}
		}
	}
	for _, target := range []string{"http://login.example/.well-known/caldav", "http://other.example/.well-known/carddav"} {
		if r := w.ask(t, http.MethodGet, target, ""); r.StatusCode != http.StatusNotFound || r.Header.Get("Location") != "" {
			t.Errorf("%s: %s", target, r.Status)
		}
	}
}

func TestRateLimitIsPerClient(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, func(o *servertest.Options) {
		o.Rate = web.Rate{PerSecond: 1, Burst: 3}
		o.Now = func() time.Time { return now }
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	ask := func(client string) int {
		return w.ask(t, http.MethodGet, autoconfigURL, "", "X-Forwarded-For", client).StatusCode
	}
	for range 3 {
		if got := ask("2001:db8:1:1::1"); got != http.StatusOK {
			t.Fatalf("within the burst: %d", got)
		}
	}
	if got := ask("2001:db8:1:1::2"); got != http.StatusTooManyRequests { // the same /64
		t.Errorf("over the limit: %d", got)
	}
	if got := ask("2001:db8:1:2::1"); got != http.StatusOK {
		t.Errorf("another client: %d", got)
	}
	now = now.Add(time.Second)
	if got := ask("2001:db8:1:1::1"); got != http.StatusOK {
		t.Errorf("a second later: %d", got)
	}
}

func TestLogsAndMetricsNameNobody(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	w := newWorld(t, func(o *servertest.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&logs, nil)) // info level
	})
	w.ask(t, http.MethodGet, autoconfigURL+"?emailaddress=workshop%40example.com", "")
	w.ask(t, http.MethodGet, "http://x/autodiscover/autodiscover.json/v1.0/workshop@example.com?Protocol=AutodiscoverV1", "")
	w.ask(t, http.MethodPost, poxURL, poxRequest(mail("workshop@example.com"), outlookSchema), "Authorization", "Basic d29ya3Nob3A6c2VjcmV0")
	w.ask(t, http.MethodGet, "http://x/email.mobileconfig?email=workshop@example.com", "")
	w.ask(t, http.MethodGet, "http://x/workshop@example.com", "")
	metrics := text(do(w.server.Private(), http.MethodGet, "http://127.0.0.1/metrics", ""))
	for name, all := range map[string]string{"log": logs.String(), "metrics": metrics} {
		for _, secret := range []string{"workshop", "d29ya", "secret", "example.com"} {
			if strings.Contains(all, secret) {
				t.Errorf("the %s has %q:\n%s", name, secret, all)
			}
		}
	}
	for _, want := range []string{
		`autoconfig_answers_total{format="autoconfig",protocol="pop3"} 1`,
		`autoconfig_answers_total{format="mobileconfig",protocol="pop3"} 1`,
		`autoconfig_http_requests_total{code="404",route="other"} 1`,
		`autoconfig_http_requests_total{code="200",route="/autodiscover/autodiscover.json/v1.0/:address"} 1`,
		"autoconfig_directory_up 1",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	if strings.Count(logs.String(), "msg=request") != 5 {
		t.Errorf("log:\n%s", logs.String())
	}
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, http.MethodGet, autoconfigURL, "") // the directory has been asked
	private := w.server.Private()
	if r := do(private, http.MethodGet, "http://x/healthz", ""); r.StatusCode != http.StatusOK || text(r) != "ok\n" {
		t.Errorf("healthz: %s", r.Status)
	}
	if r := do(private, http.MethodGet, "http://127.0.0.1/readyz", ""); r.StatusCode != http.StatusOK || !strings.Contains(text(r), `"ready"`) {
		t.Errorf("readyz: %s", r.Status)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if r := w.ask(t, http.MethodGet, "http://example.com"+path, ""); r.StatusCode != http.StatusNotFound {
			t.Errorf("the public listener has %s: %s", path, r.Status)
		}
	}
}

func TestServeAnswersOnRealSocketsAndStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	public, private := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: public, Private: private})
	for _, url := range []string{
		"http://" + public.Addr().String() + "/mail/config-v1.1.xml?emailaddress=office%40example.com",
		"http://" + private.Addr().String() + "/healthz",
	} {
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, r.Status)
		}
	}
}
