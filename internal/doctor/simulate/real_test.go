package simulate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"autoconfig/autodiscover"
	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// realm is one domain as the real programs and the simulator meet it. Its pages
// are by scheme and the host's role: "https://autoconfig", "http://", ....
type realm struct {
	name  string
	pages map[string]http.HandlerFunc
	// dns are more records; D stands for the domain.
	dns []string
	// thunderbird and evolution are what must come out of it, "" for nothing: so
	// that two programs that find nothing can't pass for two that agree.
	thunderbird, evolution string
}

func xmlPage(servers string) http.HandlerFunc {
	return say(http.StatusOK, xmlType, configWith(servers))
}

func poxPage(protocol, host string, port int) http.HandlerFunc {
	const head = `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account><AccountType>email</AccountType><Action>settings</Action>`
	return say(http.StatusOK, xmlType, fmt.Sprintf(head+`<Protocol><Type>%s</Type><Server>%s</Server><Port>%d</Port><LoginName>me</LoginName><SPA>off</SPA><SSL>on</SSL></Protocol><Protocol><Type>SMTP</Type><Server>smtp.example.com</Server><Port>465</Port><SPA>off</SPA><SSL>on</SSL></Protocol></Account></Response></Autodiscover>`, protocol, host, port))
}

var (
	goodPage = xmlPage(goodIMAP + goodSMTP)
	// otherPage tells the second place from the first.
	otherPage = xmlPage(xmlServer("incoming", "imap", "other.example.com", 993, "SSL", "%EMAILADDRESS%") + goodSMTP)
	goodPOX   = poxPage("IMAP", "pox.example.com", 993)
)

const (
	imapGood  = "imap imap.example.com"
	imapOther = "imap other.example.com"
	imapPOX   = "imap pox.example.com"
)

func config(h http.HandlerFunc) http.HandlerFunc { return atPath(thunderbird.Path, h) }
func known(h http.HandlerFunc) http.HandlerFunc  { return atPath(thunderbird.PathWellKnown, h) }
func pox(h http.HandlerFunc) http.HandlerFunc    { return atPath(autodiscover.Path, h) }

var realms = []realm{
	{"everything", map[string]http.HandlerFunc{"https://autoconfig": config(goodPage), "https://": known(otherPage), "http://autoconfig": config(otherPage), "https://autodiscover": pox(goodPOX)}, nil, imapGood, imapGood},
	{"only well-known", map[string]http.HandlerFunc{"https://": known(otherPage)}, nil, imapOther, imapOther},
	{"only http", map[string]http.HandlerFunc{"http://autoconfig": config(otherPage)}, nil, imapOther, imapOther},
	{"only http well-known", map[string]http.HandlerFunc{"http://": known(otherPage)}, nil, imapOther, imapOther},
	{"only Autodiscover", map[string]http.HandlerFunc{"https://autodiscover": pox(goodPOX)}, nil, imapPOX, ""},
	{"only Autodiscover at the domain", map[string]http.HandlerFunc{"https://": pox(poxPage("POP3", "pox.example.com", 995))}, nil, "pop3 pox.example.com", ""},
	{"only Autodiscover by http", map[string]http.HandlerFunc{"http://autodiscover": pox(goodPOX)}, nil, imapPOX, ""},
	{"SRV to another domain", map[string]http.HandlerFunc{"https://shared": pox(goodPOX)}, []string{"_autodiscover._tcp.D. SRV 0 0 443 shared.hoster.example."}, imapPOX, ""},
	{"HTML with 200", map[string]http.HandlerFunc{"https://autoconfig": say(200, "text/html", page200), "https://": known(otherPage)}, nil, "", imapOther},
	{"wrong media type", map[string]http.HandlerFunc{"https://autoconfig": config(say(200, "text/plain", configWith(goodIMAP+goodSMTP))), "https://": known(otherPage)}, nil, "", imapGood},
	{"media type in capitals", map[string]http.HandlerFunc{"https://autoconfig": config(say(200, "Text/XML", configWith(goodIMAP+goodSMTP)))}, nil, "", imapGood},
	{"POP3", map[string]http.HandlerFunc{"https://autoconfig": config(xmlPage(strings.Replace(xmlServer("incoming", "pop3", "pop.example.com", 995, "SSL", "%EMAILLOCALPART%"), "</incoming", "<pop3><leaveMessagesOnServer>true</leaveMessagesOnServer><daysToLeaveMessagesOnServer>9</daysToLeaveMessagesOnServer></pop3></incoming", 1) + goodSMTP))}, nil, "pop3 pop.example.com", "pop3 pop.example.com"},
	{"two servers", map[string]http.HandlerFunc{"https://autoconfig": config(xmlPage(goodIMAP + xmlServer("incoming", "imap", "second.example.com", 993, "SSL", "x") + goodSMTP))}, nil, imapGood, "imap second.example.com"},
	{"redirect", map[string]http.HandlerFunc{"https://autoconfig": config(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://shared.hoster.example/x.xml", http.StatusMovedPermanently)
	}), "https://shared": atPath("/x.xml", otherPage)}, nil, imapOther, imapOther},
	{"by the MX", map[string]http.HandlerFunc{"https://hoster": config(otherPage)}, []string{"D. MX 10 mx1.hoster.example."}, imapOther, ""},
	{"malformed", map[string]http.HandlerFunc{"https://autoconfig": config(say(200, xmlType, "<clientConfig>")), "https://": known(otherPage)}, nil, "", imapOther},
	{"no id", map[string]http.HandlerFunc{"https://autoconfig": config(say(200, xmlType, strings.Replace(configWith(goodIMAP+goodSMTP), ` id="example.com"`, "", 1)))}, nil, "", imapGood},
	{"unknown socketType before a good one", map[string]http.HandlerFunc{"https://autoconfig": config(xmlPage(xmlServer("incoming", "imap", "odd.example.com", 993, "TLS", "x") + goodIMAP + goodSMTP))}, nil, imapGood, imapGood},
	{"login like a number", map[string]http.HandlerFunc{"https://autoconfig": config(xmlPage(xmlServer("incoming", "imap", "imap.example.com", 993, "SSL", "00123") + goodSMTP))}, nil, imapGood, imapGood},
	{"404 with a document", map[string]http.HandlerFunc{"https://autoconfig": config(say(404, xmlType, configWith(goodIMAP+goodSMTP))), "https://": known(otherPage)}, nil, imapOther, imapOther},
	{"Autodiscover's error hides the next", map[string]http.HandlerFunc{"https://autodiscover": pox(say(200, xmlType, `<Autodiscover><Response><Error><ErrorCode>500</ErrorCode></Error></Response></Autodiscover>`)), "https://": pox(goodPOX)}, nil, "", ""},
	{"STARTTLS and encrypted password", map[string]http.HandlerFunc{"https://autoconfig": config(xmlPage(strings.ReplaceAll(xmlServer("incoming", "imap", "imap.example.com", 143, "STARTTLS", "%EMAILADDRESS%"), "password-cleartext", "password-encrypted") + goodSMTP))}, nil, imapGood, imapGood},
	{"500 and http", map[string]http.HandlerFunc{"https://autoconfig": say(500, "text/plain", "no"), "http://autoconfig": config(otherPage)}, nil, imapOther, imapOther},
	{"nothing", nil, nil, "", ""},
}

func (r realm) domain(i int) string { return fmt.Sprintf("w%d.example", i) }

// realmWorld serves all realms on ports 443 and 80, and writes down who asks what.
type realmWorld struct {
	ca  *testkit.CA
	mu  sync.Mutex
	log []string
}

func newRealmWorld(t *testing.T) *realmWorld {
	t.Helper()
	w := &realmWorld{ca: testkit.NewCA(t)}
	names := []string{"shared.hoster.example", "autoconfig.hoster.example"}
	for i, r := range realms {
		names = append(names, r.domain(i), "autoconfig."+r.domain(i), "autodiscover."+r.domain(i))
	}
	var records []string
	for _, name := range names {
		records = append(records, name+". A 127.0.0.1")
	}
	for i, r := range realms {
		for _, line := range r.dns {
			records = append(records, strings.ReplaceAll(line, "D.", r.domain(i)+"."))
		}
	}
	testkit.StartDNS(t, testkit.DNSAddress, records...)
	config := &tls.Config{Certificates: []tls.Certificate{w.ca.Issue(t, testkit.Leaf{Names: names}).TLS()}}
	w.serve(t, "https", "127.0.0.1:443", config)
	w.serve(t, "http", "127.0.0.1:80", nil)
	return w
}

func (w *realmWorld) serve(t *testing.T, scheme, address string, config *tls.Config) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.log = append(w.log, r.Method+" "+scheme+"://"+r.Host+r.URL.RequestURI())
		w.mu.Unlock()
		if strings.HasSuffix(r.Host, ".hoster.example") {
			shared(scheme, r.Host, r.URL.Path)(rw, r)
		} else {
			pageOf(scheme, r.Host)(rw, r)
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
}

// pageOf finds the page of a host: those of the hoster belong to whatever realm
// has them.
func pageOf(scheme, host string) http.HandlerFunc {
	for i, r := range realms {
		d := r.domain(i)
		for role, name := range map[string]string{"": d, "autoconfig": "autoconfig." + d, "autodiscover": "autodiscover." + d} {
			if h, ok := r.pages[scheme+"://"+role]; ok && name == host {
				return h
			}
		}
	}
	return http.NotFound
}

// shared answers for the hoster's hosts.
func shared(scheme, host, path string) http.HandlerFunc {
	role := map[string]string{"shared.hoster.example": "shared", "autoconfig.hoster.example": "hoster"}[host]
	for _, r := range realms {
		if h, ok := r.pages[scheme+"://"+role]; ok && role != "" {
			if role == "hoster" || (path == autodiscover.Path) == (r.name == "SRV to another domain") {
				return h
			}
		}
	}
	return http.NotFound
}

// asked empties the log.
func (w *realmWorld) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.log
	w.log = nil
	slices.Sort(asked)
	return slices.Compact(asked)
}

// simulate runs the simulator in the namespace.
func (w *realmWorld) simulate(t *testing.T, client, address string) Result {
	t.Helper()
	s := Simulator{Prober: probe.Prober{
		Resolver: &probe.Resolver{Servers: []string{testkit.DNSAddress}},
		Dialer:   probe.Dialer{Policy: probe.DialPolicy{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}},
		Roots:    w.ca.Pool(),
	}}
	got, err := s.Run(t.Context(), client, settings.MustAddress(address))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func gist(s *Setup) string {
	if s == nil {
		return ""
	}
	return string(s.Protocol) + " " + s.Incoming.Host
}

// compare holds a program's requests against the simulator's: it asks nothing
// that the simulator doesn't, and all that the simulator takes. Thunderbird cuts
// requests that can't win any more, so that some of the others never arrive.
func compare(t *testing.T, s Result, simulated, real []string) {
	t.Helper()
	for _, r := range real {
		if !slices.Contains(simulated, r) {
			t.Errorf("%s really asks %s", s.Client, r)
		}
	}
	for _, step := range s.Steps {
		kind, _, _ := strings.Cut(step.Request, " ")
		if kind != "GET" && kind != "POST" || !slices.Contains(simulated, step.Request) || strings.HasPrefix(step.Verdict, "asked as well") {
			continue
		}
		if !slices.Contains(real, step.Request) {
			t.Errorf("%s doesn't ask %s", s.Client, step.Request)
		}
	}
}

func TestTheRealThunderbirdGoesTheSimulatedWay(t *testing.T) {
	testkit.Need(t, "thunderbird")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	w := newRealmWorld(t)
	tb := testkit.StartThunderbird(t, w.ca)
	for i, r := range realms {
		t.Run(r.name, func(t *testing.T) {
			address := "o.neil+x@" + r.domain(i)
			w.asked()
			s := w.simulate(t, "thunderbird", address)
			simulated := w.asked()
			got, err := tb.Configure(t.Context(), testkit.Person{Email: address, RealName: "Alice", AcceptRedirect: true})
			real := w.asked()
			if err != nil && !errors.Is(err, testkit.ErrNoAccount) {
				t.Fatal(err)
			}
			if gist(s.Account) != r.thunderbird {
				t.Errorf("simulated %q, want %q\n%+v", gist(s.Account), r.thunderbird, s)
			}
			if (s.Account == nil) != (err != nil) {
				t.Fatalf("really %+v (%v), simulated %+v", got, err, s)
			}
			if s.Account != nil {
				same(t, "incoming", got.Incoming, s.Account.Incoming, string(s.Account.Protocol))
				same(t, "outgoing", got.Outgoing, s.Account.Outgoing, "smtp")
				if got.POP3 != nil && (strconv.FormatBool(got.POP3.LeaveMessagesOnServer) != s.Account.Leave || strconv.Itoa(got.POP3.NumDaysToLeaveOnServer) != s.Account.Days) {
					t.Errorf("leaves %+v, simulated %s %s", got.POP3, s.Account.Leave, s.Account.Days)
				}
			}
			compare(t, s, simulated, real)
		})
	}
}

func same(t *testing.T, side string, got testkit.MailServer, want Endpoint, kind string) {
	t.Helper()
	sockets := map[settings.Security]testkit.SocketType{settings.TLS: testkit.SocketTLS, settings.STARTTLS: testkit.SocketSTARTTLS, settings.None: testkit.SocketPlain}
	auth := map[string]testkit.AuthMethod{"password": testkit.AuthCleartext, "encrypted password": testkit.AuthEncrypted, "none": testkit.AuthNone}
	if got.Type != kind || got.Hostname != want.Host || strconv.Itoa(got.Port) != want.Port || got.SocketType != sockets[want.Security] || got.AuthMethod != auth[want.Auth] || got.Username != want.Username {
		t.Errorf("%s really %+v, simulated %+v", side, got, want)
	}
}

func TestTheRealEvolutionGoesTheSimulatedWay(t *testing.T) {
	testkit.Need(t, "evolution")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	w := newRealmWorld(t)
	evolution := testkit.StartEvolution(t, w.ca)
	for i, r := range realms {
		t.Run(r.name, func(t *testing.T) {
			address := "o.neil+x@" + r.domain(i)
			w.asked()
			s := w.simulate(t, "evolution", address)
			simulated := w.asked()
			got, err := evolution.Configure(t.Context(), address)
			real := w.asked()
			if err != nil && !errors.Is(err, testkit.ErrNoAccount) {
				t.Fatal(err)
			}
			if gist(s.Account) != r.evolution {
				t.Errorf("simulated %q, want %q\n%+v", gist(s.Account), r.evolution, s)
			}
			if (s.Account == nil) != (err != nil) {
				t.Fatalf("really %+v (%v), simulated %+v", got, err, s)
			}
			if s.Account != nil {
				incoming := map[settings.Protocol]testkit.EvolutionServer{settings.IMAP: got.IMAP, settings.POP3: got.POP3}
				sameEvolution(t, "incoming", incoming[s.Account.Protocol], s.Account.Incoming)
				sameEvolution(t, "outgoing", got.SMTP, s.Account.Outgoing)
			}
			compare(t, s, simulated, real)
		})
	}
}

func sameEvolution(t *testing.T, side string, got testkit.EvolutionServer, want Endpoint) {
	t.Helper()
	security := map[settings.Security]string{settings.TLS: testkit.EvolutionTLS, settings.STARTTLS: testkit.EvolutionSTARTTLS, settings.None: testkit.EvolutionPlain}
	if !got.Found || got.Host != want.Host || strconv.Itoa(got.Port) != want.Port || got.Security != security[want.Security] || got.User != want.Username {
		t.Errorf("%s really %+v, simulated %+v", side, got, want)
	}
}
