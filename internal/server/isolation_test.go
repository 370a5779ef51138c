package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/operator"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/web"
)

// everyListener are the handlers of a service that has everything, and the Host that
// all of them answer.
func everyListener(t *testing.T) (handlers map[string]http.Handler, host string, l *linked) {
	t.Helper()
	l = newLinked(t)
	w := officeWorld(t, func(o *servertest.Options) {
		o.Checks = o.Links.Store.(operator.Checks)
		o.StaffURL = &url.URL{Scheme: "https", Host: "desk.example.com"}
	})
	return map[string]http.Handler{"public": l.server.Public(false), "private": w.server.Private(), "staff": w.server.Staff()}, "desk.example.com", l
}

// No other site's page reads an answer, guesses what it is, puts it into a frame, or
// learns the address of a setup link; nobody keeps what was asked for one person.
func TestAnswersAreForNobodyElse(t *testing.T) {
	t.Parallel()
	handlers, host, l := everyListener(t)
	fill := strings.NewReplacer(":token", l.token, ":domain", "example.com", ":address", "office@example.com", ":name", "page.css", ":id", "x", ":format", "autodiscover", "/*", "/none")
	for name, handler := range handlers {
		routes := routesOf(t, handler)
		if len(routes) < 20 {
			t.Errorf("%s: %d routes", name, len(routes))
		}
		for _, route := range routes {
			target := "http://" + host + fill.Replace(route.Path) + "?emailaddress=office%40example.com&protocol=AutodiscoverV1"
			r := do(handler, route.Method, target, "", "Content-Type", formType, "Origin", "https://evil.example", "Access-Control-Request-Method", "GET", "Cookie", "lang=de")
			h := r.Header
			for header := range h {
				if strings.HasPrefix(header, "Access-Control-") {
					t.Errorf("%s: %s %s has %s", name, route.Method, route.Path, header)
				}
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") == "" {
				t.Errorf("%s: %s %s: %s %v", name, route.Method, route.Path, r.Status, h)
			}
			asset := strings.HasPrefix(route.Path, "/assets/")
			if !asset && h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: %s %s has no Referrer-Policy", name, route.Method, route.Path)
			}
			if name != "public" && h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("%s: %s %s may be embedded", name, route.Method, route.Path)
			}
			// What isn't the same for everybody.
			shared := asset || strings.HasPrefix(route.Path, "/.well-known/") && !strings.Contains(route.Path, "autoconfig") || route.Path == "/v1.1/:domain"
			if !shared && h.Get("Cache-Control") != "no-store" && r.StatusCode < 400 {
				t.Errorf("%s: %s %s: %s may be kept: %q", name, route.Method, route.Path, r.Status, h.Get("Cache-Control"))
			}
		}
	}
}

// A method that no route has changes nothing, and comes back with nothing of the
// request.
func TestOtherMethodsSayNothing(t *testing.T) {
	t.Parallel()
	handlers, host, _ := everyListener(t)
	for name, handler := range handlers {
		for _, method := range []string{http.MethodTrace, http.MethodConnect, http.MethodOptions, http.MethodPatch, "PROPFIND", "TRACK", "get"} {
			for _, path := range []string{"/", "/mail/config-v1.1.xml", "/metrics", "/helpdesk/sign-in", "/api/v1/links", "/s/x"} {
				r := do(handler, method, "http://"+host+path, "", "X-Mark", "zqmark", "Cookie", "helpdesk=zqmark")
				allowed := method == http.MethodOptions && r.StatusCode == http.StatusNoContent // with an Allow, which is all
				if body := text(r); r.StatusCode < 400 && !allowed || strings.Contains(body, "zqmark") {
					t.Errorf("%s: %s %s: %s\n%s", name, method, path, r.Status, body)
				}
			}
		}
	}
}

// The name that a request is for is judged however it is written.
func TestTheHostIsTheOneThatHTTPMeans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	private, public := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: public, Private: private})
	for request, want := range map[string]int{
		"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n":                                   200,
		"GET /metrics HTTP/1.0\r\n":                                                      200, // a load balancer's
		"GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n":                   200,
		"GET http://evil.example/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n":                403, // the target's name counts (RFC 9112, section 3.2.2)
		"GET http://evil.example/metrics HTTP/1.0\r\n":                                   403,
		"GET http://127.0.0.1@evil.example/metrics HTTP/1.1\r\nHost: x\r\n":              403,
		"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n":                                403,
		"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\n":                      400,
		"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n":             400,
		"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1\r\n":             400,
		"GET /metrics HTTP/1.1\r\n":                                                      400, // no Host
		"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1/evil.example\r\n":                      400,
		"GET /metrics HTTP/1.1\r\nX-Forwarded-Host: 127.0.0.1\r\nHost: evil.example\r\n": 403,
	} {
		if got := raw(t, private.Addr().String(), request); got != want {
			t.Errorf("%q: %d, want %d", request, got, want)
		}
	}
	// An absolute target names the domain like a Host.
	if got := raw(t, public.Addr().String(), "GET http://autoconfig.example.com/mail/config-v1.1.xml HTTP/1.1\r\nHost: evil.example\r\n"); got != 200 {
		t.Errorf("public: %d", got)
	}
	if got := raw(t, public.Addr().String(), "GET http://evil.example/mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n"); got != 404 {
		t.Errorf("public: %d", got)
	}
}

// raw sends a request as it is, and gives the status.
func raw(t *testing.T, address, request string) int {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(2 * time.Minute))
	if _, err := io.WriteString(connection, request+"Connection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	_ = r.Body.Close()
	return r.StatusCode
}
