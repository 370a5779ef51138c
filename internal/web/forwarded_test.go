package web

import (
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func behindProxies(forwarded bool) *App {
	return &App{Options: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Forwarded: forwarded}}
}

func TestForwardedIsReadFromItsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		said           []string
		client, scheme string
	}{
		{[]string{"for=203.0.113.7"}, "203.0.113.7", ""},
		{[]string{"for=203.0.113.7;proto=https;host=x"}, "203.0.113.7", "https"},
		{[]string{`For="[2001:db8::7]:4711"; Proto=HTTP`}, "2001:db8::7", "http"},
		{[]string{`proto="https";for="203.0.113.7:80"`}, "203.0.113.7", "https"},
		{[]string{"for=203.0.113.7;proto=https, for=192.0.2.9;proto=http"}, "203.0.113.7", "https"}, // two proxies
		{[]string{"for=203.0.113.7;proto=https", "for=192.0.2.9;proto=http"}, "203.0.113.7", "https"},
		// The client's own words before the proxy's, in which a quote is open.
		{[]string{`for=198.51.100.1;proto=https, for=203.0.113.7;proto=http`}, "203.0.113.7", ""},
		{[]string{`for="198.51.100.1, for=203.0.113.7;proto=https`}, "203.0.113.7", "https"},
		{[]string{`for=198.51.100.1";x=", for=203.0.113.7;proto=https`}, "203.0.113.7", "https"},
		// Who stands before them isn't known.
		{[]string{"for=unknown;proto=https"}, "192.0.2.1", "https"},
		{[]string{"for=_hidden"}, "192.0.2.1", ""},
		{[]string{"proto=https"}, "192.0.2.1", "https"},
		{[]string{"for=198.51.100.1;for=203.0.113.7"}, "192.0.2.1", ""},
		{[]string{`for="203.0.113.7:_port"`}, "203.0.113.7", ""},
		{[]string{`for="[2001:db8::7]:_port"`}, "2001:db8::7", ""},
		{[]string{`for="\203.0.113.7"`}, "203.0.113.7", ""}, // any character may be escaped
		{[]string{`for=203.0.113.7 ; proto=https`}, "203.0.113.7", "https"},
		// What a client has chosen stands in a proxy's own words: the Host.
		{[]string{`for=203.0.113.7;host="x;for=198.51.100.1"`}, "203.0.113.7", ""},
		{[]string{`host="x;for=198.51.100.1;proto=https";for=203.0.113.7;proto=http`}, "203.0.113.7", "http"},
		{[]string{`for=203.0.113.7;host="x, for=198.51.100.1"`}, "203.0.113.7", ""},
		{[]string{`for=203.0.113.7;host="\",for=198.51.100.1;x=\""`}, "203.0.113.7", ""},
		{[]string{`for=203.0.113.7;host="\\"`}, "203.0.113.7", ""},
		// Nothing is guessed where it can't be read.
		{[]string{`for=203.0.113.7"`}, "192.0.2.1", ""},
		{[]string{`for="203.0.113.7"x`}, "192.0.2.1", ""},
		{[]string{`for="203.0.113.7\`}, "192.0.2.1", ""},
		{[]string{`for`}, "192.0.2.1", ""},
		{nil, "192.0.2.1", ""},
		{[]string{" , ,"}, "192.0.2.1", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "192.0.2.1:99"
		r.Header["Forwarded"] = c.said
		r.Header.Set("X-Forwarded-For", "198.51.100.99") // as a client wrote it
		r.Header.Set("X-Forwarded-Proto", "https")
		a := behindProxies(true)
		if got := a.clientAddress(r); got != c.client {
			t.Errorf("%q: the client is %s, want %s", c.said, got, c.client)
		}
		if got := a.ForwardedScheme(echo.New().NewContext(r, nil)); got != c.scheme {
			t.Errorf("%q: the scheme is %q, want %q", c.said, got, c.scheme)
		}
		r.RemoteAddr = "203.0.113.99:99"
		if got := a.clientAddress(r); got != "203.0.113.99" {
			t.Errorf("%q from a stranger: the client is %s", c.said, got)
		}
	}
}

// A stranger never chooses by which address it is counted: neither by what it writes into
// either header, before the proxy's own words, nor by the Host, which a proxy may quote
// within them, nor without a proxy.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{
		"", "for=198.51.100.1", `for="`, `a","b`, `"`, `\"`, "for=198.51.100.1;", ",,;=", "for=192.0.2.77",
		`",for=198.51.100.1;x="`, "x;for=198.51.100.1", `\`,
	} {
		f.Add(seed, seed)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	f.Fuzz(func(t *testing.T, said, host string) {
		host = `host="` + quote.Replace(host) + `"`
		for _, own := range []string{
			`for="203.0.113.7:1";proto=https;` + host, host + `;proto=https;for="203.0.113.7:1"`, `proto=https;` + host + `;for=203.0.113.7`,
		} {
			for _, lines := range [][]string{{said + ", " + own}, {said, own}} {
				for _, forwarded := range []bool{false, true} {
					r := httptest.NewRequest("GET", "/", nil)
					r.RemoteAddr = "192.0.2.1:99"
					r.Header["Forwarded"] = lines
					r.Header["X-Forwarded-For"] = []string{said + ", 203.0.113.7"}
					r.Header["X-Forwarded-Proto"] = []string{said + ", https"}
					a := behindProxies(forwarded)
					if got := a.clientAddress(r); got != "203.0.113.7" {
						t.Errorf("%q makes the client %s", lines, got)
					}
					if got := a.ForwardedScheme(echo.New().NewContext(r, nil)); got != "https" {
						t.Errorf("%q makes the scheme %q", lines, got)
					}
					r.RemoteAddr = "203.0.113.9:99"
					if got := a.clientOf(r); got != netip.MustParsePrefix("203.0.113.9/32") {
						t.Errorf("%q from a stranger is counted as %s", lines, got)
					}
				}
			}
		}
	})
}

func TestElementsOfForwarded(t *testing.T) {
	t.Parallel()
	got := elementsOf(`for=a;by="x,y" , for=b,, for="c,d"`)
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if want := []string{`for=a;by="x,y"`, "for=b", `for="c,d"`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
