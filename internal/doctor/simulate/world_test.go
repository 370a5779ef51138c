package simulate

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"autoconfig/autodiscover"
	"autoconfig/internal/doctor"
	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
	"autoconfig/mobileconfig"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// world is a domain with its records and this service, on addresses that aren't
// ours and lead to servers of the test.
type world struct {
	prober  probe.Prober
	dns     *testkit.DNS
	terms   *policy.Terms
	records []string
	sites   map[string]http.HandlerFunc
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := func(host string) policy.ServerList { return policy.ServerList{{Host: host}} }
	site := policy.Site{Domains: []policy.Domain{{Name: "example.com", Offer: policy.Offer{
		Servers: policy.Servers{IMAP: server("imap.example.com"), POP3: server("pop.example.com"), SMTP: server("smtp.example.com")},
		Policy:  policy.Policy{Rules: []policy.Rule{{Name: "small", Match: policy.Match{Devices: policy.OneDevice}, Protocol: settings.POP3}}},
	}}}}.Normalize()
	terms, _ := site.Terms("example.com")
	w := &world{terms: terms, records: []string{
		"example.com. 300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60",
		"example.com. 300 MX 10 mx.example.com.",
		"example.com. 300 A 192.0.2.81", "setup.example.com. 300 A 192.0.2.80",
	}}
	for _, r := range (doctor.Plan{Domain: "example.com", Host: "setup.example.com", Terms: terms, Given: terms.Given()}).Records() {
		w.records = append(w.records, r.String())
	}
	w.dns = testkit.StartDNS(t, "127.0.0.1:0")
	ca := testkit.NewCA(t)
	names := []string{"example.com", "autoconfig.example.com", "autodiscover.example.com", "setup.example.com"}
	sites := testkit.StartSites(t, ca, names...)
	w.sites = sites.Pages
	for _, name := range names {
		w.sites["http://"+name] = func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "https://"+name+r.URL.RequestURI(), http.StatusMovedPermanently)
		}
	}
	listens := map[string]string{"443": sites.HTTPS, "80": sites.HTTP}
	w.prober = probe.Prober{
		Resolver: &probe.Resolver{Servers: []string{w.dns.Addr}, Timeout: time.Minute},
		Dialer: probe.Dialer{
			Policy: probe.DialPolicy{Allowed: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
			Connect: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(address)
				return new(net.Dialer).DialContext(ctx, network, listens[port])
			},
		},
		Roots: ca.Pool(),
	}
	return w
}

// remove takes the records at an owner away.
func (w *world) remove(t *testing.T, owner string) {
	t.Helper()
	before := len(w.records)
	w.records = slices.DeleteFunc(w.records, func(line string) bool { return strings.Fields(line)[0] == owner+"." })
	if before == len(w.records) {
		t.Fatalf("there is nothing at %s to remove", owner)
	}
}

// service answers what this service does for an address with the given settings.
func (w *world) service(s settings.Settings) {
	whole := answer(s)
	w.sites["https://autoconfig.example.com"] = atPath(thunderbird.Path, whole)
	w.sites["https://autodiscover.example.com"] = atPath(autodiscover.Path, whole)
	w.sites["https://setup.example.com"] = func(rw http.ResponseWriter, _ *http.Request) {
		text, err := mobileconfig.Render(s)
		if err != nil {
			panic(err)
		}
		rw.Header().Set("Content-Type", mobileconfig.MediaType)
		_, _ = rw.Write(text)
	}
}

func answer(s settings.Settings) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		render := thunderbird.Render
		if r.URL.Path == autodiscover.Path {
			render = autodiscover.Render
		}
		body, err := render(s)
		if err != nil {
			panic(err)
		}
		rw.Header().Set("Content-Type", xmlType)
		_, _ = rw.Write(body)
	}
}

func (w *world) simulate(t *testing.T, client string) Result {
	t.Helper()
	w.dns.Set(t, w.records...)
	s, err := Simulator{Prober: w.prober, ProfileHost: "setup.example.com"}.Run(t.Context(), client, settings.MustAddress("fred@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Steps) == 0 || s.Account == nil && s.Why == "" {
		t.Errorf("%s says nothing: %+v", client, s)
	}
	return s
}

const (
	xmlType = "text/xml; charset=utf-8"
	page200 = "<!doctype html><title>Welcome</title>"
)

func say(status int, kind, body string) http.HandlerFunc { return testkit.Say(status, kind, body) }

// atPath answers one path, and 404 elsewhere.
func atPath(path string, h http.HandlerFunc) http.HandlerFunc {
	return testkit.Only(path, h, http.NotFound)
}

func configWith(servers string) string {
	return `<clientConfig version="1.1"><emailProvider id="example.com"><domain>example.com</domain>` + servers + `</emailProvider></clientConfig>`
}

func xmlServer(tag, kind, host string, port int, socket, user string) string {
	return fmt.Sprintf(`<%[1]sServer type="%[2]s"><hostname>%[3]s</hostname><port>%[4]d</port><socketType>%[5]s</socketType>`+
		`<authentication>password-cleartext</authentication><username>%[6]s</username></%[1]sServer>`, tag, kind, host, port, socket, user)
}

var (
	goodIMAP = xmlServer("incoming", "imap", "imap.example.com", 993, "SSL", "%EMAILADDRESS%")
	goodSMTP = xmlServer("outgoing", "smtp", "smtp.example.com", 465, "SSL", "%EMAILADDRESS%")
)
