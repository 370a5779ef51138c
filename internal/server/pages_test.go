package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoconfig/internal/doctor"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/testkit"
)

// checkedWorld has results of every state, one of them with everything in it.
func checkedWorld(t *testing.T) *httptest.Server {
	t.Helper()
	first := newWorld(t)
	w := newWorld(t, func(o *servertest.Options) { o.Checks = first.store })
	days := 12
	record := doctor.Record{Name: "autoconfig.example.com.", Type: "CNAME", TTL: 3600, Data: "setup.example.com."}
	for name, findings := range map[string][]doctor.Finding{
		"example.com": {
			{Code: doctor.HostMissing, Severity: doctor.Error, Subject: "autoconfig.example.com.", Seen: "doesn't exist", Expected: "setup.example.com.", Remedy: "Publish the record.", Records: []doctor.Record{record}},
			{Code: doctor.SRVMissing, Severity: doctor.Warning, Subject: "_imaps._tcp.example.com. SRV", Seen: "<script>alert(1)</script>", Remedy: "Publish the record."},
			{Code: doctor.SRVNullMissing, Severity: doctor.Info, Subject: "_imap._tcp.example.com. SRV", Remedy: "Publish the record."},
		},
		"example.net": {{Code: doctor.SRVMissing, Severity: doctor.Warning, Remedy: "x"}}, "login.example": {}, "pop.example": {{Code: doctor.SRVTTL, Severity: doctor.Info, Remedy: "x"}},
	} {
		r := doctor.Result{Report: doctor.Report{Domain: name, Served: true, Findings: findings, CertificateDays: &days}, CheckedAt: time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC), DueAt: time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)}
		if err := first.store.PutCheck(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	s := httptest.NewServer(w.server.Private())
	t.Cleanup(s.Close)
	return s
}

// Every page on every screen: axe-core finds nothing, nothing is wider than the
// screen, and nothing is loaded from elsewhere.
func TestPagesInARealBrowser(t *testing.T) {
	t.Parallel()
	s := checkedWorld(t)
	b := testkit.StartBrowser(t)
	for path, name := range map[string]string{"/": "home", "/checks": "checks", "/checks/example.com": "check", "/checks/login.example": "check-good"} {
		for _, screen := range []testkit.Screen{testkit.Phone, testkit.Desktop} {
			for _, dark := range []bool{false, true} {
				screen.Dark = dark
				var violations []testkit.Violation
				var wide bool
				var heading string
				b.Open(t, s.URL+path, screen,
					testkit.Screenshot(fmt.Sprintf("%s-%d-dark-%v", name, screen.Width, dark)),
					testkit.Text("h1", &heading),
					chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide),
					testkit.Axe(t, "../..", &violations),
				)
				if len(violations) > 0 || wide || heading == "" {
					t.Errorf("%s at %d, dark %v: wide %v, heading %q, %+v", path, screen.Width, dark, wide, heading, violations)
				}
			}
		}
	}
}

// A record is copied with one click, or by keyboard alone; without script it is
// there to be selected.
func TestRecordsAreCopied(t *testing.T) {
	t.Parallel()
	s := checkedWorld(t)
	b := testkit.StartBrowser(t)
	const want = "autoconfig.example.com.\t3600\tIN\tCNAME\tsetup.example.com."
	allow := browser.GrantPermissions([]browser.PermissionType{browser.PermissionTypeClipboardReadWrite, browser.PermissionTypeClipboardSanitizedWrite})
	for name, press := range map[string]chromedp.Action{
		"click":    chromedp.Click("button"),
		"keyboard": chromedp.Tasks{chromedp.Focus("button"), chromedp.KeyEvent(kb.Enter)},
	} {
		var status, copied, shown string
		b.Open(t, s.URL+"/checks/example.com", testkit.Desktop, allow, press,
			chromedp.WaitVisible(`//*[@id="status" and string-length(text()) > 0]`),
			testkit.Text("#status", &status), testkit.Text("pre.records", &shown),
			chromedp.Evaluate(`navigator.clipboard.readText()`, &copied, chromedp.EvalAsValue, testkit.Awaited),
		)
		if status != "The records are copied." || copied != want {
			t.Errorf("%s: %q, the clipboard has %q", name, status, copied)
		}
	}
	var body string
	screen := testkit.Desktop
	screen.NoScript = true
	b.Open(t, s.URL+"/checks/example.com", screen, chromedp.OuterHTML("body", &body))
	if !strings.Contains(body, "CNAME") || strings.Contains(body, "<button") || strings.Contains(body, "<script>alert") {
		t.Errorf("without script:\n%s", body)
	}
}

// Pages are found from one to the next, and refuse what isn't there.
func TestPagesByPlainHTTP(t *testing.T) {
	t.Parallel()
	s := checkedWorld(t)
	for path, want := range map[string]int{"/checks": 200, "/checks/EXAMPLE.com": 200, "/checks/other.example": 404, "/checks/a..b": 400, "/assets/page.css": 200, "/assets/copy.js": 200, "/assets/layout.html": 404} {
		r, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body := text(r)
		if r.StatusCode != want || want == 200 && r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %s", path, r.Status)
		}
		if strings.Contains(body, "http://") || strings.Contains(body, "https://") {
			t.Errorf("%s names another place:\n%s", path, body)
		}
	}
}
