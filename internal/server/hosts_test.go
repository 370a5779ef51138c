package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autoconfig/internal/operator"
	"autoconfig/internal/server/servertest"
)

// foreignHosts are what a page elsewhere can have for a Host, and what looks like
// ours.
var foreignHosts = []string{
	"evil.example", "evil.example:8081", "rebind.127.0.0.1.nip.io", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example",
	"evil.example.", "xlocalhost", "desk.example.com.evil.example", "evil.example:127.0.0.1", "[evil.example]", "127.0.0.1 .evil.example", "auto", "::1.evil.example",
}

// A name that was bent to our address opens nothing of what isn't for everybody,
// whatever the route.
func TestPrivateAndStaffListenersAnswerKnownHostsOnly(t *testing.T) {
	t.Parallel()
	w := officeWorld(t, func(o *servertest.Options) {
		o.Checks = o.Links.Store.(operator.Checks)
		o.StaffURL, o.AdminHosts = &url.URL{Scheme: "https", Host: "desk.example.com:8443"}, []string{"autoconfig"}
	})
	for name, c := range map[string]struct {
		handler http.Handler
		open    []string
	}{
		"private": {w.server.Private(), []string{"/healthz", "/readyz"}}, // a refused probe would stop the service
		"staff":   {w.server.Staff(), nil},
	} {
		fill := strings.NewReplacer(":domain", "example.com", ":address", "office@example.com", ":name", "page.css", ":id", "x", ":format", "autodiscover", "/*", "/none")
		seen := map[string]bool{}
		for _, route := range routesOf(t, c.handler) {
			target := fill.Replace(route.Path)
			for _, host := range foreignHosts {
				r := do(c.handler, route.Method, "http://"+host+target, "", "Content-Type", formType)
				body := text(r)
				if open := strings.Contains(strings.Join(c.open, " ")+" ", route.Path+" "); (r.StatusCode == http.StatusForbidden) == open {
					t.Errorf("%s: %s %s as %s: %s\n%s", name, route.Method, target, host, r.Status, body)
				}
				if strings.Contains(body, "example.com") {
					t.Errorf("%s: %s %s as %s says %s", name, route.Method, target, host, body)
				}
			}
			seen[route.Path] = true
		}
		for _, path := range []string{"/assets/:name", "/openapi.json", "/helpdesk/sign-in", "/api/v1/checks"} {
			if !seen[path] {
				t.Errorf("%s: %s was not tried", name, path)
			}
		}
		if r := do(c.handler, http.MethodGet, "http://evil.example/nowhere", ""); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: no route: %s", name, r.Status)
		}
	}
}

func TestPrivateListenerAnswersByAddressAndByKnownNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) {
		o.Checks = o.Links.Store.(operator.Checks)
		o.StaffURL, o.AdminHosts = &url.URL{Scheme: "https", Host: "desk.example.com:8443"}, []string{"autoconfig", "Metrics.example.org"}
	})
	w.ask(t, http.MethodGet, autoconfigURL, "") // the directory has been asked: it is ready
	private := w.server.Private()
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1:8081", "10.1.2.3:8081", "[::1]", "[::1]:8081", "[2001:db8::1]:8081", "[fe80::1%25eth0]:8081", "localhost", "LOCALHOST:8081",
		"desk.example.com", "desk.example.com:8443", "Desk.Example.com.", "autoconfig:8081", "AUTOCONFIG", "metrics.example.org.:9", "",
	} {
		for _, path := range []string{"/metrics", "/checks", "/healthz", "/readyz", "/assets/page.css"} {
			if r := do(private, http.MethodGet, "http://"+host+path, ""); r.StatusCode != http.StatusOK {
				t.Errorf("%s as %q: %s", path, host, r.Status)
			}
		}
	}
}

// What /readyz says of a problem names what is inside.
func TestReadinessTellsStrangeNamesNoMoreThanItsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, http.MethodGet, autoconfigURL, "")
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.ask(t, http.MethodGet, "http://autoconfig.never.example/mail/config-v1.1.xml", "")
	private := w.server.Private()
	ask := func(host string) string {
		r := do(private, http.MethodGet, "http://"+host+"/readyz", "")
		return fmt.Sprint(r.StatusCode, " ", text(r))
	}
	if known := ask("127.0.0.1:8081"); !strings.Contains(known, "problems") {
		t.Fatalf("nothing is wrong: %s", known)
	}
	if strange := ask("evil.example"); strings.Contains(strange, "problems") || !strings.Contains(strange, `"status"`) {
		t.Error(strange)
	}
}
