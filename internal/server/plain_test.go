package server_test

import (
	"cmp"
	"crypto/tls"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"pgregory.net/rapid"

	"autoconfig/internal/server"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/testkit"
	"autoconfig/internal/web"
)

func TestOverPlainHTTPGetsAreRedirectedToOurOwnNames(t *testing.T) {
	t.Parallel()
	l := newLinked(t)
	plain := l.server.Public(true)
	for target, want := range map[string]string{
		"http://AUTOCONFIG.example.com:80/mail/config-v1.1.xml":                                                      "https://setup.example.com/v1.1/example.com",
		"http://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=a+b%40example.com":                          "https://setup.example.com/mail/config-v1.1.xml?emailaddress=a%2Bb%40example.com",
		"http://example.net/.well-known/autoconfig/mail/config-v1.1.xml?x=%0d%0aA:b":                                 "https://setup.example.com/v1.1/example.net",
		"http://autodiscover.example.com/Autodiscover/Autodiscover.xml":                                              "https://setup.example.com/autodiscover/autodiscover.xml",
		"http://evil.example/mail/config-v1.1.xml?emailaddress=a%40example.com":                                      "https://setup.example.com/mail/config-v1.1.xml?emailaddress=a%40example.com",
		"http://autodiscover.example.com/autodiscover/autodiscover.json/v1.0/Ab@example.com?Protocol=Autodiscoverv1": "https://setup.example.com/autodiscover/autodiscover.json?emailaddress=Ab%40example.com&protocol=AutodiscoverV1",
		"http://x/v1.1/M%C3%BCller.example":                                                                          "https://setup.example.com/v1.1/xn--mller-kva.example",
		"http://ua-auto-config.example.com/.well-known/user-agent-configuration.json":                                "https://ua-auto-config.example.com/.well-known/user-agent-configuration.json",
		// A page has the brand of the Host's domain, and stays there.
		"http://example.net/?lang=de&next=//evil.example": "https://example.net/",
		"http://evil.example/":                            "https://setup.example.com/",
		"http://Setup.Example.com.:80/":                   "https://setup.example.com/",
		// What doesn't depend on the Host goes where the certificate is right.
		"http://autoconfig.example.com/email.mobileconfig?email=office@example.com&x=y":  "https://setup.example.com/email.mobileconfig?emailaddress=office%40example.com",
		"http://autoconfig.example.com/s/" + l.token + "?device=ios":                     "https://setup.example.com/s/" + l.token,
		"http://autoconfig.example.com/S/" + strings.ToUpper(l.token) + "/profile?a=b#c": "https://setup.example.com/s/" + l.token + "/profile",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := do(plain, method, target, "")
			if r.StatusCode != http.StatusFound || r.Header.Get("Location") != want || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %s %v, want %q", method, target, r.Status, r.Header, want)
			}
		}
	}
	// A redirected POST would lose its body: it is answered.
	r := do(plain, http.MethodPost, poxURL, poxRequest(mail("office@example.com"), outlookSchema))
	if got := poxGist(readPOX(t, r)); got != "IMAP imap.example.com office@example.com" {
		t.Error(got)
	}
}

// answeredPlain are the routes that answer over plain http, and why.
var answeredPlain = map[string]string{
	"POST /autodiscover/autodiscover.xml": "Thunderbird would send it on without its body",
	"/assets/:name":                       "the same for everybody",
	"/assets/colour/:name":                "the same for everybody",
	"/.well-known/caldav":                 "a redirect to https itself, for every method",
	"/.well-known/carddav":                "a redirect to https itself, for every method",
	"/.well-known/jmap":                   "a redirect to https itself, for every method",
}

// A new route is led to https, or has a reason in answeredPlain.
func TestEveryPublicRouteIsLedToHTTPS(t *testing.T) {
	t.Parallel()
	l := newLinked(t)
	plain := l.server.Public(true)
	fill := strings.NewReplacer(":token", l.token, ":domain", "example.com", ":address", "office@example.com", ":name", "page.css")
	seen := 0
	for _, route := range routesOf(t, plain) {
		if cmp.Or(answeredPlain[route.Path], answeredPlain[route.Method+" "+route.Path]) != "" {
			continue
		}
		seen++
		target := "http://setup.example.com" + fill.Replace(route.Path) + "?emailaddress=office%40example.com&protocol=AutodiscoverV1"
		r := do(plain, route.Method, target, "address=office%40example.com", "Content-Type", formType)
		want := http.StatusFound
		if route.Method == http.MethodPost {
			want = http.StatusSeeOther
		}
		if r.StatusCode != want || !strings.HasPrefix(r.Header.Get("Location"), "https://setup.example.com/") || len(r.Cookies()) > 0 {
			t.Errorf("%s %s: %s %v", route.Method, target, r.Status, r.Header)
		}
	}
	if seen < 20 {
		t.Errorf("only %d routes were tried", seen)
	}
}

// routesOf are those of a listener's handler that have one.
func routesOf(t testing.TB, h http.Handler) []*echo.Route {
	t.Helper()
	return slices.DeleteFunc(server.RoutesOf(h), func(r *echo.Route) bool { return r.Method == echo.RouteNotFound })
}

func TestALinkIsNotUsedOverPlainHTTP(t *testing.T) {
	t.Parallel()
	l := newLinked(t)
	plain := l.server.Public(true)
	for _, form := range []string{"do=settings&device=windows", "do=profile", strings.Repeat("x", 1<<20)} {
		r := do(plain, http.MethodPost, l.path(), form, "Content-Type", formType)
		if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "https://setup.example.com/s/"+l.token || len(r.Cookies()) > 0 {
			t.Errorf("the button: %s %v", r.Status, r.Header)
		}
	}
	if n := l.used(t); n != 0 {
		t.Fatalf("%d uses over plain http", n)
	}
	if events, err := l.keeper.Store.LinkEvents(t.Context(), l.id); err != nil || len(events) > 0 {
		t.Errorf("noted: %+v %v", events, err)
	}
	if r := l.ask(t, http.MethodPost, l.path(), "do=settings", "Content-Type", formType); r.StatusCode != http.StatusSeeOther || l.used(t) != 1 {
		t.Errorf("over https: %s, %d uses", r.Status, l.used(t))
	}
}

func TestOnlyATrustedProxyIsBelieved(t *testing.T) {
	t.Parallel()
	trust := func(o *servertest.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // httptest's client
	}
	trusted, untrusted := newWorld(t, trust), newWorld(t)
	for name, c := range map[string]struct {
		w             *world
		proto         string
		redirect, sts bool
	}{
		"trusted, plain":    {trusted, "http", true, false},
		"trusted, https":    {trusted, "https", false, true},
		"trusted, HTTPS":    {trusted, "HTTPS", false, true},
		"trusted, unsaid":   {trusted, "", false, false},
		"untrusted, plain":  {untrusted, "http", false, false},
		"untrusted, https":  {untrusted, "https", false, false},
		"trusted, nonsense": {trusted, "gopher", false, false},
	} {
		header := []string{"X-Forwarded-Ssl", "on"}
		if c.proto != "" {
			header = append(header, "X-Forwarded-Proto", c.proto)
		}
		for _, target := range []string{autoconfigURL, "http://setup.example.com/", "http://setup.example.com/email.mobileconfig?email=office@example.com"} {
			r := c.w.ask(t, http.MethodGet, target, "", header...)
			if (r.StatusCode == http.StatusFound) != c.redirect || (r.Header.Get("Strict-Transport-Security") != "") != c.sts {
				t.Errorf("%s: %s: %s %v", name, target, r.Status, r.Header)
			}
		}
	}
}

// What a redirect leads to is what would have been answered at once.
func TestNothingIsLostOnTheWayToHTTPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.server.Public(true)
	addresses := []string{
		"office@example.com", "Workshop+tag@EXAMPLE.net", `"a b"@example.com`, `"a+b&c=d%40"@example.com`, "a&b@example.com", "a'%@example.com",
		"jörg@müller.example", "kiosk@quiet.example", "EVOLUTIONUSER@example.com", "nobody@other.example", "not an address", "",
	}
	rapid.Check(t, func(rt *rapid.T) {
		address := rapid.SampledFrom(addresses).Draw(rt, "address")
		host := rapid.SampledFrom([]string{"autoconfig.example.com", "example.net", "autodiscover.several.example:80", "setup.example.com", "other.example", "[::1]:80", ""}).Draw(rt, "host")
		escape := rapid.SampledFrom([]func(string) string{
			url.QueryEscape, url.PathEscape, func(s string) string { return strings.ReplaceAll(s, " ", "%20") },
		}).Draw(rt, "escape")
		key := rapid.SampledFrom([]string{"emailaddress", "email", "EmailAddress", "Email"}).Draw(rt, "key")
		path := rapid.SampledFrom([]string{
			"/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml", "/Autodiscover//Autodiscover.xml", "/autodiscover/autodiscover.json",
			"/autodiscover/autodiscover.json/v1.0/" + url.PathEscape(address), "/email.mobileconfig", "/mobileconfig/", "/.well-known/mail-v1.xml", "/v1.1/mail/config-v1.1.xml/", "/v1.1/Example.com", "/v1.1/%20", "/",
		}).Draw(rt, "path")
		rest := rapid.SampledFrom([]string{"", "&Protocol=Autodiscoverv1", "&protocol=other", "&emailmd5=" + md5Hex("workshop@example.com"), "&lang=de"}).Draw(rt, "rest")
		query := "?" + key + "=" + escape(address) + rest
		target := "http://" + host + path + query
		asked := do(plain, http.MethodGet, target, "")
		if path == "/" { // its query is left behind: an address is posted there, and a language is chosen again
			target = strings.TrimSuffix(target, query)
		}
		direct := w.ask(t, http.MethodGet, target, "")
		if asked.StatusCode == http.StatusFound {
			asked = w.ask(t, http.MethodGet, "http"+strings.TrimPrefix(asked.Header.Get("Location"), "https"), "")
		} else if direct.StatusCode < 400 && direct.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
			rt.Fatalf("%s: %s over plain http", target, asked.Status)
		}
		if host == "" || strings.HasPrefix(host, "[") || strings.HasPrefix(host, "other") {
			return // public_url's name may be one that is served
		}
		if a, b := text(asked), text(direct); asked.StatusCode != direct.StatusCode || a != b {
			rt.Fatalf("%s: %s\n%s\nat once: %s\n%s", target, asked.Status, a, direct.Status, b)
		}
	})
}

// Wherever a redirect leads, it is one of our own names.
func FuzzPlainRequest(f *testing.F) {
	w := newWorld(f)
	h := w.server.Public(true)
	f.Add("autoconfig.example.com", "mail/config-v1.1.xml", "emailaddress=office@example.com")
	f.Add("evil.example", "/evil.example/%2e%2e", "emailaddress=%0d%0aLocation:%20https://evil.example@example.com")
	f.Add("user@evil.example:1", "s/0123456789abcdefghijklmnop", "")
	f.Add("evil.example\\@autoconfig.example.com", "s/..", "lang=de")
	f.Add("x", "autodiscover/autodiscover.json/v1.0/a@example.com", "Protocol=autodiscoverv1&x=\r\n")
	f.Add("example.com#", "v1.1/@evil.example", "#")
	f.Fuzz(func(t *testing.T, host, path, query string) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://placeholder/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr = "/"+path, query, host, "192.0.2.1:1"
			response := record(h, r)
			location := response.Header.Get("Location")
			if response.StatusCode != http.StatusFound && response.StatusCode != http.StatusSeeOther {
				continue
			}
			to, err := url.Parse(location)
			if err != nil || strings.ContainsFunc(location, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
				t.Fatalf("%q: %v", location, err)
			}
			if to.Scheme != "https" || to.User != nil || to.Fragment != "" || to.Port() != "" || strings.Contains(to.Path, "//") {
				t.Fatalf("%q", location)
			}
			if _, err := w.directory.Domain(t.Context(), withoutSpecial(to.Host)); to.Host != "setup.example.com" && err != nil {
				t.Fatalf("%q isn't ours: %v", location, err)
			}
		}
	})
}

func withoutSpecial(host string) string {
	for _, special := range []string{"autoconfig.", "autodiscover.", "ua-auto-config."} {
		if domain, found := strings.CutPrefix(host, special); found {
			return domain
		}
	}
	return host
}

// HSTS is said over TLS alone, for our own names alone.
func TestStrictTransportSecurity(t *testing.T) {
	t.Parallel()
	w := officeWorld(t, func(o *servertest.Options) {
		o.PublicURL = &url.URL{Scheme: "https", Host: "setup.example.com"}
		o.StaffURL, o.StaffApart, o.HSTS = &url.URL{Scheme: "https", Host: "desk.example.com"}, true, 180*24*time.Hour
	})
	certificate := testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"setup.example.com"}}).TLS()
	l := web.Listeners{
		Public: listen(t, "127.0.0.1:0"), Plain: listen(t, "127.0.0.1:0"), Private: listen(t, "127.0.0.1:0"), Staff: listen(t, "127.0.0.1:0"),
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil },
	}
	w.serve(t, l)
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}, // what it is called is no matter here
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	const half = "max-age=15552000"
	for _, c := range []struct {
		base, host, path, want string
	}{
		{"https://" + l.Public.Addr().String(), "setup.example.com", "/", half},
		{"https://" + l.Public.Addr().String(), "SETUP.example.com:8443", "/s/none", half},
		{"https://" + l.Public.Addr().String(), "autoconfig.example.com", "/mail/config-v1.1.xml", half},
		{"https://" + l.Public.Addr().String(), "setup.example.com", "/nowhere", half},
		{"https://" + l.Public.Addr().String(), "example.com", "/.well-known/autoconfig/mail/config-v1.1.xml", ""}, // there may be a website
		{"https://" + l.Public.Addr().String(), "evil.example", "/", ""},
		{"https://" + l.Staff.Addr().String(), "desk.example.com", "/helpdesk/sign-in", half},
		{"https://" + l.Staff.Addr().String(), "desk.example.com", "/api/v1/links", half},
		{"https://" + l.Staff.Addr().String(), "evil.example", "/helpdesk/sign-in", ""},
		{"http://" + l.Plain.Addr().String(), "setup.example.com", "/", ""},
		{"http://" + l.Plain.Addr().String(), "setup.example.com", "/assets/page.css", ""},
		{"http://" + l.Private.Addr().String(), "desk.example.com", "/metrics", ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = c.host
		r, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if got := r.Header.Values("Strict-Transport-Security"); strings.Join(got, "|") != c.want {
			t.Errorf("%s as %s: %s %q", c.base+c.path, c.host, r.Status, got)
		}
	}
}
