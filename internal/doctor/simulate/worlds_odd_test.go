package simulate

import (
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// oddRows are about what servers in the wild do besides answering: certificates,
// redirects, time, and name servers that can't do all.
func oddRows() []row {
	return slices.Concat(oddHTTPRows(), oddDNSRows())
}

func oddHTTPRows() []row {
	document := configWith(goodIMAP + goodSMTP)
	at := func(name string, h http.HandlerFunc, more pages) row {
		r := row{name: "odd: " + name, pages: pages{"https://autoconfig.D": config(h), "https://D": known(otherPage)}}
		for place, page := range more {
			r.pages[place] = page
		}
		return r
	}
	with := func(r row, kind certificateKind, host string) row {
		r.certificates = map[string]certificateKind{host: kind}
		return r
	}
	basic := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("WWW-Authenticate", `Basic realm="mail"`)
		say(http.StatusUnauthorized, "text/html", page200)(rw, r)
	}
	shared := pages{"https://shared.H": atPath("/x.xml", goodPage)}
	return []row{
		at("redirect between two URLs", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/other", http.StatusFound) },
			pages{"https://autoconfig.D": func(rw http.ResponseWriter, r *http.Request) {
				to := "/other"
				if r.URL.Path == to {
					to = "/mail/config-v1.1.xml"
				}
				http.Redirect(rw, r, to, http.StatusFound)
			}}),
		at("redirect to the web site's page", moved(301, "https://D/"), pages{"https://D": testkit.Only("/", say(200, "text/html", page200), known(otherPage))}),
		at("redirect to the web site that has it", moved(302, "https://D/.well-known/autoconfig/mail/config-v1.1.xml"), nil),
		at("redirect without a scheme", moved(302, "//shared.H/x.xml"), shared),
		at("redirect below the path", moved(302, "x.xml"), nil),
		at("redirect over two hosts", moved(302, "https://www.D/x"), pages{"https://www.D": atPath("/x", moved(307, "https://shared.H/x.xml")), "https://shared.H": atPath("/x.xml", goodPage)}),
		at("redirect from https to http and back", moved(302, "http://shared.H/x"), pages{"http://shared.H": atPath("/x", moved(302, "https://shared.H/x.xml")), "https://shared.H": atPath("/x.xml", goodPage)}),
		with(at("redirect to a host with another's certificate", moved(302, "https://shared.H/x.xml"), shared), otherName, "shared.H"),
		{name: "odd: everything on http leads to https", pages: pages{"https://autoconfig.D": config(goodPage), "http://autoconfig.D": moved(301, "https://autoconfig.D/mail/config-v1.1.xml"), "http://D": moved(301, "https://D/")}},
		with(at("another's certificate", goodPage, nil), otherName, "autoconfig.D"),
		with(at("an expired certificate", goodPage, nil), expired, "autoconfig.D"),
		with(at("a certificate of an unknown authority", goodPage, nil), unknownAuthority, "autoconfig.D"),
		with(at("another's certificate, and plain http has it", goodPage, pages{"https://D": nil, "http://autoconfig.D": config(goodPage)}), otherName, "autoconfig.D"),
		with(row{name: "odd: Autodiscover with another's certificate, and SRV", pages: pages{"https://autodiscover.D": pox(poxPage("IMAP", "wrong.example.com", 993)), "https://shared.H": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 443 shared.H."}}, otherName, "autodiscover.D"),
		at("an answer after a second", later(goodPage, time.Second), nil),
		at("an answer after six seconds", later(goodPage, 6*time.Second), nil),
		at("a body that ends after six seconds", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", xmlType)
			_, _ = rw.Write([]byte(document[:200]))
			_ = http.NewResponseController(rw).Flush()
			if !wait(r, 6*time.Second) {
				panic(http.ErrAbortHandler) // else the rest would seem to be there
			}
			_, _ = rw.Write([]byte(document[200:]))
		}, nil),
		at("Basic authentication", basic, nil),
		{name: "odd: Autodiscover with Basic authentication", pages: pages{"https://autodiscover.D": pox(basic)}},
		{name: "odd: Autodiscover with Basic authentication, and the domain without", pages: pages{"https://autodiscover.D": pox(basic), "https://D": pox(goodPOX)}},
		{name: "odd: Autodiscover 204", pages: pages{"https://autodiscover.D": pox(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(204) }), "https://D": pox(goodPOX)}},
		{name: "odd: Autodiscover redirected in a circle", pages: pages{"https://autodiscover.D": moved(302, "https://autodiscover.D/autodiscover/autodiscover.xml"), "https://D": pox(goodPOX)}},
		at("compressed without a word", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", xmlType)
			z := gzip.NewWriter(rw)
			_, _ = z.Write([]byte(document))
			_ = z.Close()
		}, nil),
		at("reset before the answer", reset(0, document), nil),
		at("reset in the middle", reset(120, document), nil),
		at("pieces without the last one", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", xmlType)
			_, _ = rw.Write([]byte(document))
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}, nil),
		at("pieces that end in the middle", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", xmlType)
			_, _ = rw.Write([]byte(document[:200]))
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}, nil),
		at("an HTML page that says it is XML", say(200, xmlType, page200), nil),
		at("a page for search engines in XHTML", say(200, "application/xml", `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body/></html>`), nil),
		{name: "odd: a web site that answers everything", pages: pages{
			"https://D": say(200, "text/html", page200), "http://D": say(200, "text/html", page200), "https://autodiscover.D": say(200, "text/html", page200),
			"https://autoconfig.D": say(200, "text/html", page200), "http://autoconfig.D": say(200, "text/html", page200),
		}},
		{name: "odd: nobody listens at the domain", pages: pages{"https://autoconfig.D": config(goodPage)}, dns: []string{"-D.", "D. A " + silent4}},
	}
}

func oddDNSRows() []row {
	many := func(n int) []string { // more than fits into a packet
		all := []string{"D. MX 5 mx.H."}
		for i := range n {
			all = append(all, fmt.Sprintf("D. MX %d a-backup-with-a-rather-long-name-%d.H.", 50+i, i))
		}
		return all
	}
	return []row{
		{name: "odd: IPv6 alone", pages: pages{"https://autoconfig.D": config(goodPage)}, dns: []string{"-autoconfig.D.", "autoconfig.D. AAAA " + address6}},
		{name: "odd: IPv6 that nobody listens at", pages: pages{"https://autoconfig.D": config(goodPage), "https://D": known(otherPage)}, dns: []string{"autoconfig.D. AAAA " + silent6}},
		{name: "odd: a chain of CNAMEs", pages: pages{"https://autoconfig.D": config(goodPage)}, dns: []string{"-autoconfig.D.", "autoconfig.D. CNAME one.H.", "one.H. CNAME two.H.", "two.H. CNAME shared.H."}},
		{name: "odd: a circle of CNAMEs", pages: pages{"https://autoconfig.D": config(goodPage), "https://D": known(otherPage)}, dns: []string{"-autoconfig.D.", "autoconfig.D. CNAME one.H.", "one.H. CNAME autoconfig.D."}},
		{name: "odd: a wildcard", pages: pages{"https://autoconfig.D": config(goodPage), "https://autodiscover.D": say(200, "text/html", page200)}, dns: []string{"-autoconfig.D.", "-autodiscover.D.", "*.D. A 127.0.0.1"}},
		{name: "odd: nothing exists", dns: []string{"-D.", "-autoconfig.D.", "-autodiscover.D."}},
		{name: "odd: the names exist, without addresses", dns: []string{"-D.", "-autoconfig.D.", "-autodiscover.D.", "D. TXT x", "autoconfig.D. TXT x", "autodiscover.D. TXT x"}},
		{name: "odd: SERVFAIL for autoconfig", pages: pages{"https://autoconfig.D": config(goodPage), "https://D": known(otherPage)}, dns: []string{"!SERVFAIL autoconfig.D."}},
		{name: "odd: SERVFAIL for the MX", pages: pages{"https://autoconfig.H": config(otherPage), "https://autodiscover.D": pox(goodPOX)}, dns: []string{"!SERVFAIL D. MX", "D. MX 10 mx1.H."}},
		{name: "odd: SERVFAIL for Autodiscover's SRV", pages: pages{"https://autodiscover.D": pox(goodPOX)}, dns: []string{"!SERVFAIL _autodiscover._tcp.D."}},
		{name: "odd: REFUSED for the name servers", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"!REFUSED D. NS", "D. NS ns1.H."}},
		{name: "odd: FORMERR to EDNS", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"!EDNS D.", "D. MX 10 mx1.H."}},
		{name: "odd: an answer by TCP alone", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: many(9)},
		{name: "odd: an answer of more than a kilobyte", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: many(35)},
		{name: "odd: SRV with port 0", pages: pages{"https://shared.H": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 0 shared.H."}},
		{name: "odd: SRV that says no beside one", pages: pages{"https://shared.H": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 0 .", "_autodiscover._tcp.D. SRV 10 10 443 shared.H."}},
		{name: "odd: SRV to a CNAME", pages: pages{"https://www.D": pox(goodPOX)}, dns: []string{"_autodiscover._tcp.D. SRV 0 0 443 www.D.", "www.D. CNAME shared.H."}},
		{name: "odd: a null MX beside a real one", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 0 .", "D. MX 10 mx1.H."}},
		{name: "odd: two MX of the same preference", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 mx1.H.", "D. MX 10 mx.D."}},
		{name: "odd: an MX that is the domain", pages: pages{"http://D": known(otherPage)}, dns: []string{"D. MX 10 D."}},
		{name: "odd: an MX that doesn't exist", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 nowhere.eu.H."}},
		{name: "odd: an MX by an alias of the domain's", pages: pages{"https://autoconfig.H": config(otherPage)}, dns: []string{"D. MX 10 mail.D.", "mail.D. CNAME mx1.H."}},
	}
}

// certificateKind is what is wrong with a certificate.
type certificateKind int

const (
	otherName certificateKind = iota + 1
	expired
	unknownAuthority
)

// oddCertificate makes one for a host.
func (s *stage) oddCertificate(t testing.TB, kind certificateKind, host string) tls.Certificate {
	t.Helper()
	switch kind {
	case expired:
		return s.ca.Issue(t, testkit.Leaf{Names: []string{host}, NotBefore: time.Now().AddDate(0, -3, 0), NotAfter: time.Now().AddDate(0, 0, -2)}).TLS()
	case unknownAuthority:
		return testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{host}}).TLS()
	}
	return s.ca.Issue(t, testkit.Leaf{Names: []string{"elsewhere.example"}}).TLS()
}

// later answers after a time.
func later(h http.HandlerFunc, d time.Duration) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if wait(r, d) {
			h(rw, r)
		}
	}
}

// wait tells whether the client waits so long.
func wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// reset sends the first bytes of an answer, and then resets the connection.
func reset(after int, document string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			panic(err)
		}
		if after > 0 {
			_, _ = fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", xmlType, len(document), document[:after])
		}
		raw := connection
		if secured, ok := raw.(*tls.Conn); ok {
			raw = secured.NetConn()
		}
		if tcp, ok := raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = raw.Close()
	}
}
