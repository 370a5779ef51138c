package doctor

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What a redirect says is judged, whether or not its target answers, for a domain of
// ours and for anybody's.
func TestRedirectsAreJudgedWhenTheyAreSeen(t *testing.T) {
	t.Parallel()
	const host = "https://autoconfig.example.com"
	for name, c := range map[string]struct {
		to    string // the Location
		codes []Code
		seen  string // of the first
	}{
		"to plain http that doesn't answer": {"http://setup.example.com/x", []Code{HTTPDowngrade, RedirectBroken}, "http://setup.example.com/x"},
		"to plain loopback":                 {"http://127.0.0.1/mail/config-v1.1.xml", []Code{HTTPDowngrade, RedirectPrivate}, "http://127.0.0.1/"},
		"to loopback":                       {"https://127.0.0.1/", []Code{RedirectPrivate}, "https://127.0.0.1/"},
		"to localhost":                      {"https://localhost:8443/", []Code{RedirectPrivate}, "https://localhost:8443/"},
		"to a private address":              {"https://10.1.2.3/", []Code{RedirectPrivate}, "https://10.1.2.3/"},
		"to a private IPv6 address":         {"https://[fd00::1]/", []Code{RedirectPrivate}, "https://[fd00::1]/"},
		"to a name with a private address":  {"https://inside.example.com/", []Code{RedirectPrivate}, "https://inside.example.com/"},
		"to a host without a certificate":   {"https://bare.example.com/", []Code{RedirectBroken}, "certificate"},
		"to a host that doesn't exist":      {"https://gone.example.com/", []Code{RedirectBroken}, "gone.example.com doesn't exist"},
		"to a port that nobody listens at":  {"https://setup.example.com:8443/", []Code{RedirectBroken}, "connection refused"},
		"to another scheme":                 {"ftp://setup.example.com/", []Code{RedirectBroken}, "ftp"},
		"in a circle":                       {host + "/other", []Code{RedirectLoop}, "more than 20 redirects"},
		"in a circle, relative":             {"/mail/again", []Code{RedirectLoop, RedirectRelative}, "more than 20 redirects"},
		"to another domain":                 {"https://autoconfig.example.net/x", []Code{RedirectForeign}, "https://autoconfig.example.net/x"},
		"to another domain that is gone":    {"https://gone.example.net/x", []Code{RedirectBroken, RedirectForeign}, "gone.example.net"},
		"relative":                          {"/x", []Code{RedirectRelative}, "Location: /x"},
		"nowhere":                           {"", []Code{RedirectNowhere}, "status 302 without a Location"},
		"unreadable":                        {"https://[::1/", []Code{RedirectBroken}, "a redirect that can't be read"},
	} {
		for _, served := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWebWorld(t)
				w.add("inside.example.com. 300 A 10.9.8.7", "bare.example.com. 300 A 192.0.2.80")
				answer := w.answer(nil)
				w.sites["https://autoconfig.example.net"] = func(rw http.ResponseWriter, r *http.Request) { r.URL.Path = configPath; answer(rw, r) }
				w.sites[host] = func(rw http.ResponseWriter, r *http.Request) {
					if name == "relative" && r.URL.Path == "/x" {
						r.URL.Path = configPath
						answer(rw, r)
						return
					}
					if c.to != "" {
						rw.Header().Set("Location", c.to)
					}
					rw.WriteHeader(http.StatusFound)
				}
				w.sites["http://setup.example.com"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
				plan := &w.plan
				if !served {
					plan = nil
				}
				w.dns.Set(t, w.records...)
				r := w.checker.Check(t.Context(), "example.com", plan)
				var codes []Code
				for _, f := range r.Findings {
					if f.Code != ConfigNotFound { // which is said of programs that ask nowhere else
						codes = append(codes, f.Code)
					}
				}
				slices.Sort(codes)
				slices.Sort(c.codes)
				first := r.with(c.codes[0])
				if !slices.Equal(codes, c.codes) || !strings.Contains(first[0].Seen, c.seen) && !strings.Contains(r.text(), c.seen) {
					t.Errorf("served: %v, found:\n%swanted %v", served, r.text(), c.codes)
				}
			})
		}
	}
}

// The domain's own host is often a web site, which need not publish anything: where its
// redirects break, the domain isn't broken.
func TestRedirectsOfTheWebSiteAreNoError(t *testing.T) {
	t.Parallel()
	for to, code := range map[string]Code{"https://gone.example.com/": RedirectBroken, "https://example.com/again": RedirectLoop, "": RedirectNowhere} {
		w := newWebWorld(t)
		w.sites["https://example.com"] = func(rw http.ResponseWriter, _ *http.Request) {
			if to != "" {
				rw.Header().Set("Location", to)
			}
			rw.WriteHeader(http.StatusMovedPermanently)
		}
		r := w.check(t)
		if found := r.with(code); len(found) == 0 || r.Worst() != Info {
			t.Errorf("%s:\n%s", to, r.text())
		}
	}
}
