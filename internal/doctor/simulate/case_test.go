package simulate

import (
	"context"
	"crypto/tls"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
)

// row is one case of the matrix: a domain as the real programs and the simulator meet
// it. Everything that it publishes is under names of its own, so that all rows can be
// served at once.
type row struct {
	name string
	// pages are by scheme and host; D stands for the domain, H for its hoster:
	// "https://autoconfig.D".
	pages map[string]http.HandlerFunc
	// dns are more records, with D. and H.; a line that begins with "-" takes the
	// address of a name away, and one with "!" says what the name server can't do:
	// "!SERVFAIL D. MX", "!EDNS D.".
	dns []string
	// certificates are odd ones, by host.
	certificates map[string]certificateKind
	// document is what a program reads, where the row is about nothing else.
	document *reading.Document
	// pox is the same for Autodiscover, which has a page as well.
	pox *reading.Document
}

// domain is the same in every run, wherever the row stands.
func (r row) domain() string { return "d" + r.id() + ".example" }
func (r row) hoster() string { return "h" + r.id() + ".example" }

func (r row) id() string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(r.name))
	return fmt.Sprintf("%08x", sum.Sum32())
}

// address is the person's, with what programs write differently in a query.
func (r row) address() string { return "o.neil+x@" + r.domain() }

// fill puts the names in.
func (r row) fill(text string) string {
	return strings.NewReplacer("D.", r.domain()+".", "H.", r.hoster()+".").Replace(text)
}

// place puts the name into where a page is.
func (r row) place(text string) string {
	if there, ok := strings.CutSuffix(text, "H"); ok {
		return there + r.hoster()
	}
	return strings.TrimSuffix(text, "D") + r.domain()
}

func (r row) records() []string {
	hosts := map[string]bool{}
	for _, label := range []string{"", "autoconfig.", "autodiscover."} {
		hosts[label+r.domain()+"."] = true
	}
	for _, label := range []string{"", "autoconfig.", "autodiscover.", "shared.", "mx."} {
		hosts[label+r.hoster()+"."] = true
	}
	var lines []string
	for _, line := range r.dns {
		if gone, ok := strings.CutPrefix(r.fill(line), "-"); ok {
			hosts[gone] = false
		} else if !strings.HasPrefix(line, "!") {
			lines = append(lines, r.fill(line))
		}
	}
	for host, there := range hosts {
		if there {
			lines = append(lines, host+" A 127.0.0.1")
		}
	}
	return lines
}

// databases are the public ones, for whose answers a row has pages as well.
var databases = []string{"live.thunderbird.net", "autoconfig.thunderbird.net"}

// stage serves rows on one name server and two web servers, and writes down who asks
// what.
type stage struct {
	ca    *testkit.CA
	dns   *testkit.DNS
	pages map[string]http.HandlerFunc // by scheme and host, or a database's URL of the domain
	rows  map[string]string           // which row a host belongs to
	certs map[string]tls.Certificate
	// connect leads to the servers where they don't have their own ports.
	connect func(ctx context.Context, network, address string) (net.Conn, error)

	mu  sync.Mutex
	log map[string][]string
}

// newStage listens on the right ports in a namespace, and on any outside.
func newStage(t *testing.T, rows []row, inside bool) *stage {
	t.Helper()
	s := &stage{
		ca: testkit.NewCA(t), pages: map[string]http.HandlerFunc{}, rows: map[string]string{},
		certs: map[string]tls.Certificate{}, log: map[string][]string{},
	}
	var records []string
	for _, r := range rows {
		s.add(t, r)
		records = append(records, r.records()...)
	}
	certificate := s.ca.Issue(t, testkit.Leaf{Names: databases}).TLS()
	for _, name := range databases {
		records = append(records, name+". A 127.0.0.1")
		s.certs[name] = certificate
	}
	addresses := map[string]string{"443": "127.0.0.1:0", "80": "127.0.0.1:0", "53": "127.0.0.1:0"}
	if inside {
		addresses = map[string]string{"443": "127.0.0.1:443", "80": "127.0.0.1:80", "53": testkit.DNSAddress}
	}
	s.dns = testkit.StartDNS(t, addresses["53"], records...)
	for _, r := range rows {
		s.failDNS(r)
	}
	secure := &tls.Config{GetCertificate: s.certificate}
	listens := map[string]string{"443": s.serve(t, "https", addresses["443"], secure), "80": s.serve(t, "http", addresses["80"], nil)}
	if inside {
		testkit.AddAddress(t, address6)
		s.serve(t, "https", net.JoinHostPort(address6, "443"), secure)
		s.serve(t, "http", net.JoinHostPort(address6, "80"), nil)
	}
	s.connect = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, _ := net.SplitHostPort(address)
		if host == silent4 || host == silent6 {
			return nil, fmt.Errorf("dial %s: connection refused", address)
		}
		return new(net.Dialer).DialContext(ctx, network, listens[port])
	}
	return s
}

// The addresses of rows beside 127.0.0.1: one of IPv6, and two where nobody listens.
const (
	address6 = "2001:db8::25"
	silent4  = "127.0.0.9"
	silent6  = "2001:db8::99"
)

// failDNS tells the name server what it can't do for a row.
func (s *stage) failDNS(r row) {
	for _, line := range r.dns {
		words := strings.Fields(r.fill(strings.TrimPrefix(line, "!")) + " ")
		switch {
		case !strings.HasPrefix(line, "!"):
		case words[0] == "EDNS":
			s.dns.WithoutEDNS(words[1])
		default:
			s.dns.Fail(words[1], strings.Join(words[2:], ""), dns.StringToRcode[words[0]])
		}
	}
}

func (s *stage) add(t *testing.T, r row) {
	t.Helper()
	names := []string{r.domain(), "autoconfig." + r.domain(), "autodiscover." + r.domain(), "www." + r.domain()}
	names = append(names, r.hoster(), "autoconfig."+r.hoster(), "autodiscover."+r.hoster(), "shared."+r.hoster(), "mx."+r.hoster(), "autoconfig.mx."+r.hoster())
	certificate := s.ca.Issue(t, testkit.Leaf{Names: names}).TLS()
	for _, name := range names {
		if s.rows[name] != "" {
			t.Fatalf("%q and %q have the same name", r.name, s.rows[name])
		}
		s.rows[name], s.certs[name] = r.name, certificate
	}
	for host, kind := range r.certificates {
		s.certs[r.place(host)] = s.oddCertificate(t, kind, r.place(host))
	}
	for place, page := range r.pages {
		s.pages[r.place(place)] = page
	}
	if r.document != nil {
		s.pages["https://autoconfig."+r.domain()] = config(say(http.StatusOK, r.document.ContentType, string(r.document.Body)))
	}
}

func (s *stage) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, ok := s.certs[strings.ToLower(hello.ServerName)]
	if !ok {
		return nil, fmt.Errorf("no certificate for %q", hello.ServerName)
	}
	return &c, nil
}

func (s *stage) serve(t *testing.T, scheme, address string, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	listens := l.Addr().String()
	if config != nil {
		l = tls.NewListener(l, config)
	}
	server := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { s.answer(scheme, rw, r) }),
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return listens
}

func (s *stage) answer(scheme string, rw http.ResponseWriter, r *http.Request) {
	host := strings.ToLower(strings.TrimSuffix(r.Host, "."))
	page, owner := s.pages[scheme+"://"+host], s.rows[host]
	if owner == "" { // a database
		domain := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		page, owner = s.pages[scheme+"://"+host+"/"+domain], s.rows[domain]
	}
	s.mu.Lock()
	s.log[owner] = append(s.log[owner], r.Method+" "+scheme+"://"+r.Host+r.URL.RequestURI())
	s.mu.Unlock()
	if page == nil {
		page = http.NotFound
	}
	page(rw, r)
}

// asked is what was asked of a row since the last call, in order.
func (s *stage) asked(r row) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.log[r.name]
	delete(s.log, r.name)
	return asked
}

// simulate walks a program's way through a row.
func (s *stage) simulate(t *testing.T, client string, r row) Result {
	t.Helper()
	simulator := Simulator{Prober: probe.Prober{
		Resolver: &probe.Resolver{Servers: []string{s.dns.Addr}},
		Dialer: probe.Dialer{
			Policy:  probe.DialPolicy{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}},
			Connect: s.connect,
		},
		Roots: s.ca.Pool(),
	}}
	got, err := simulator.Run(t.Context(), client, settings.MustAddress(r.address()))
	if err != nil {
		t.Fatal(err)
	}
	return got
}
