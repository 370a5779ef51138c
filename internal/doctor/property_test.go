package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"autoconfig/clients"
	"autoconfig/internal/doctor/simulate"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// drawnWorld is a drawn world: what stands at the places that programs ask, with one fault
// or a few.
type drawnWorld struct {
	config, known, pox page
	srv                bool
}

type page struct {
	status     int
	kind, text string
}

// configFaults change a document, as people and templates do.
var configFaults = [][2]string{
	{`id="example.com"`, ""},
	{`id="example.com"`, `id="My Provider"`},
	{"<domain>example.com</domain>", ""},
	{"<domain>example.com", "<domain>*.example.com"},
	{`type="imap"`, `type="IMAP"`},
	{`type="imap"`, `type="imap" id="1"`},
	{`type="imap"`, `type="pop3"`},
	{`type="smtp"`, `type="SMTP"`},
	{`type="imap"`, `type=" imap"`},
	{"imap.example.com", "imap.example.com:993"},
	{"imap.example.com", "ssl://imap.example.com"},
	{"imap.example.com", "old.example.net"},
	{"imap.example.com", "imap.%EMAILDOMAIN%"},
	{"imap.example.com", " imap.example.com "},
	{"imap.example.com", ""},
	{"imap.example.com", "im_ap.example.com"},
	{"smtp.example.com", "smtp.example.com/"},
	{"imap.example.com", "<![CDATA[imap.example.com]]>"},
	{"imap.example.com", "imap.<!-- x -->example.com"},
	{">993<", ">imaps<"},
	{">993<", "><"},
	{">993<", ">0<"},
	{">993<", "> 993 <"},
	{">993<", ">143<"},
	{">465<", ">587<"},
	{"<port>993</port>", ""},
	{">993<", ">993.0<"},
	{">993<", ">70000<"},
	{">SSL<", ">ssl<"},
	{">SSL<", ">TLS<"},
	{">SSL<", "> SSL <"},
	{">SSL<", ">STARTTLS<"},
	{">SSL<", ">plain<"},
	{">SSL<", "><"},
	{"<socketType>SSL</socketType>", ""},
	{"password-cleartext", ""},
	{"password-cleartext", "password"},
	{"password-cleartext", "OAuth2"},
	{"password-cleartext", "password-encrypted"},
	{"password-cleartext", "plain"},
	{"<authentication>password-cleartext</authentication>", ""},
	{"password-cleartext", "none"},
	{"%EMAILADDRESS%", "%EMAILADDRESS"},
	{"%EMAILADDRESS%", "%emailaddress%"},
	{"%EMAILADDRESS%", "%REALNAME%"},
	{"%EMAILADDRESS%", "%EMAILLOCALPART%"},
	{"%EMAILADDRESS%", "somebody"},
	{"%EMAILADDRESS%", "00123"},
	{"%EMAILADDRESS%", ""},
	{"%EMAILADDRESS%", "\n"},
	{"<username>%EMAILADDRESS%</username>", ""},
	{"%EMAILADDRESS%", " %EMAILADDRESS% "},
	{"<clientConfig", "<config"},
	{"</clientConfig>", ""},
	{"<emailProvider", "<provider"},
	{"<incomingServer", popServer + "<incomingServer"},
	{"<outgoingServer", starttlsIMAP + "<outgoingServer"},
	{"<outgoingServer", plainIMAP + "<outgoingServer"},
	{"<incomingServer", starttlsIMAP + "<incomingServer"},
	{"</emailProvider>", starttlsSMTP + "</emailProvider>"},
	{"outgoingServer", "outServer"},
	{"<clientConfig", "<!DOCTYPE clientConfig [<!ENTITY x 'y'>]><clientConfig"},
	{"<clientConfig", "\uFEFF<clientConfig"},
	{"<clientConfig", "\n<?xml version='1.0'?><clientConfig"},
	{"<domain>", "<domain>&nbsp;"},
	{"&", "&"},
}

var poxFaults = [][2]string{
	{">IMAP<", ">imap<"},
	{">IMAP<", ">POP3<"},
	{">SMTP<", ">NONE<"},
	{"<Port>993</Port>", ""},
	{"<Port>993", "<Port>0"},
	{"<Port>993", "<Port>143"},
	{"<Port>465", "<Port>587"},
	{"imap.example.com", "old.example.net"},
	{"imap.example.com", "imap.example.com:993"},
	{"<SSL>on</SSL>", "<SSL></SSL>"},
	{"<SSL>on</SSL>", "<SSL>off</SSL>"},
	{"<SSL>on</SSL>", ""},
	{"<SSL>on</SSL>", "<SSL>on</SSL><Encryption>TLS</Encryption>"},
	{"<SPA>off</SPA>", ""},
	{"<SPA>off</SPA>", "<SPA>on</SPA>"},
	{"<LoginName>fred@example.com</LoginName>", ""},
	{"<LoginName>fred@example.com</LoginName>", "<LoginName/>"},
	{"<LoginName>fred@example.com", "<LoginName>%EMAILADDRESS%"},
	{"<LoginName>fred@example.com", "<LoginName>DOMAIN\\fred"},
	{"<Action>settings</Action>", ""},
	{"<AccountType>email</AccountType>", ""},
	{"</", "</a:"},
	{"<Account>", "<Error><ErrorCode>600</ErrorCode></Error><Account>"},
	{"</Autodiscover>", ""},
	{"<Action>settings", "<Action>redirectUrl"},
	{"<Protocol>", "<RedirectAddr>b@example.net</RedirectAddr><Protocol>"},
}

var httpFaults = []page{
	{status: 404},
	{status: 403},
	{status: 500},
	{status: 204},
	{status: 203},
	{kind: "text/html"},
	{kind: "Text/XML"},
	{kind: "application/octet-stream"},
	{kind: "text/xml-foo"},
	{kind: "application/json"},
	{kind: "text/plain"},
	{kind: "text/html", text: page200},
	{text: "<a/>"},
	{text: ""},
	{kind: "text/plain", text: "x"},
}

func drawPage(t *rapid.T, name, text string, faults [][2]string) page {
	p := page{http.StatusOK, xmlType, text}
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 1, 2}).Draw(t, name+" faults") {
		f := rapid.SampledFrom(faults).Draw(t, name)
		p.text = strings.ReplaceAll(p.text, f[0], f[1])
	}
	if rapid.IntRange(0, 9).Draw(t, name+" http") == 0 {
		f := rapid.SampledFrom(httpFaults).Draw(t, name+" answer")
		if f.status != 0 {
			p.status = f.status
		}
		if f.kind != "" {
			p.kind = f.kind
		}
		if f.kind == "" && f.status == 0 || f.text != "" {
			p.text = f.text
		}
	}
	return p
}

var publishedWorlds = rapid.Custom(func(t *rapid.T) drawnWorld {
	known := page{status: http.StatusNotFound, kind: "text/html", text: "<p>not here"}
	if rapid.IntRange(0, 4).Draw(t, "well-known") == 0 {
		known = drawPage(t, "well-known", goodConfig, configFaults)
	}
	return drawnWorld{
		config: drawPage(t, "config", goodConfig, configFaults), known: known,
		pox: drawPage(t, "POX", strings.ReplaceAll(goodPOX, "autoconfig-check", "fred"), poxFaults), srv: rapid.Bool().Draw(t, "srv"),
	}
})

// Where a simulated program finds no account, or another one than the policy's, a check has
// an error that names the program.
func TestWhatASimulatedProgramMissesIsAnErrorWithItsName(t *testing.T) {
	t.Parallel()
	worlds := testkit.Size(t, "DRAWN", 60)
	for seed := range worlds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			drawn := publishedWorlds.Example(seed)
			w := newWebWorld(t)
			w.serves(drawn)
			if !drawn.srv {
				for _, label := range []string{"_imaps", "_submissions", "_pop3s"} {
					w.remove(t, label+"._tcp.example.com")
				}
			}
			r := w.check(t)
			for _, client := range clients.Simulations() {
				if client == "apple" {
					continue
				}
				got := w.simulate(t, client)
				why := wrong(w, got)
				name := clients.NameOf(client)
				if why != "" && !slices.ContainsFunc(r.Findings, func(f Finding) bool {
					return f.Severity == Error && strings.Contains(strings.ReplaceAll(f.Seen, name+" for ", ""), name)
				}) {
					t.Errorf("%s: %s, and no error names it\n%s\n%+v\n%+v", name, why, r.text(), got, drawn)
				}
			}
		})
	}
}

// serves puts a drawn world's pages where they are asked for. The address is whom is asked
// for, so that logins are hers.
func (w *webWorld) serves(p drawnWorld) {
	clear(w.sites)
	mine := func(p page) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			text := p.text
			if strings.Contains(r.URL.Query().Get("emailaddress"), localPart) || r.ContentLength > 0 {
				body := make([]byte, 4096)
				n, _ := r.Body.Read(body)
				if r.Method == http.MethodGet || strings.Contains(string(body[:n]), localPart) {
					text = strings.ReplaceAll(text, "fred@", localPart+"@")
				}
			}
			say(p.status, p.kind, text)(rw, r)
		}
	}
	w.sites["https://autoconfig.example.com"] = only(configPath, mine(p.config), http.NotFound)
	w.sites["https://example.com"] = only(thunderbird.PathWellKnown, mine(p.known), http.NotFound)
	json := w.answer(nil)
	w.sites["https://autodiscover.example.com"] = only(poxPath, mine(p.pox), json)
}

func (w *webWorld) simulate(t *testing.T, client string) simulate.Result {
	t.Helper()
	got, err := simulate.Simulator{Prober: w.checker.Prober}.Run(t.Context(), client, settings.MustAddress("fred@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wrong says what is wrong with what a program ended up with; "" for nothing.
func wrong(w *webWorld, got simulate.Result) string {
	fred := settings.MustAddress("fred@example.com")
	s := w.plan.Terms.PublicSettings(fred, w.plan.Terms.Unknown(fred))
	a := got.Account
	if a == nil {
		return "no account"
	}
	differs := func(e simulate.Endpoint, want settings.Server) bool {
		return e.Host != want.Host || e.Port != fmt.Sprint(want.Port) && e.Port != "0" || e.Security != "" && e.Security != want.Security
	}
	switch {
	case a.Protocol != s.Decision.Protocol, differs(a.Incoming, s.Incoming), differs(a.Outgoing, s.Outgoing):
		return fmt.Sprintf("another account, %+v", a)
	case a.Incoming.Username != s.IncomingLogin.Literal && !strings.Contains(strings.Join(got.Notes, " "), s.IncomingLogin.Literal) && got.Client != "fairemail":
		return fmt.Sprintf("another login, %q", a.Incoming.Username)
	}
	return ""
}

// healthyDomains draw what a domain may offer, with servers that the world has.
var healthyDomains = rapid.Custom(func(t *rapid.T) policy.Domain {
	server := func(p settings.Protocol, host string) policy.ServerList {
		ports := map[settings.Protocol][2]int{settings.IMAP: {993, 143}, settings.POP3: {995, 110}, settings.SMTP: {465, 587}}[p]
		tls := settings.Server{Host: host, Port: ports[0], Security: settings.TLS}
		starttls := settings.Server{Host: host, Port: ports[1], Security: settings.STARTTLS}
		return rapid.SampledFrom([]policy.ServerList{{tls}, {tls}, {starttls}, {tls, starttls}, {starttls, tls}}).Draw(t, string(p))
	}
	d := policy.Domain{Name: "example.com", Offer: policy.Offer{
		Servers:  policy.Servers{IMAP: server(settings.IMAP, hosts[0]), POP3: server(settings.POP3, hosts[1]), SMTP: server(settings.SMTP, hosts[2])},
		Username: settings.Username(rapid.SampledFrom([]string{"", "{address}", "{local}", "{local}%{domain}", "mail.{local}"}).Draw(t, "username")),
	}}
	switch rapid.IntRange(0, 3).Draw(t, "protocols") {
	case 0:
		d.Servers.POP3 = nil
	case 1:
		d.Servers.IMAP = nil
	}
	if d.Servers.IMAP != nil && d.Servers.POP3 != nil {
		d.Policy.Default = rapid.SampledFrom([]settings.Protocol{"", settings.IMAP, settings.POP3}).Draw(t, "default")
		if rapid.Bool().Draw(t, "rule") {
			d.Policy.Rules = []policy.Rule{{Name: "small", Match: policy.Match{Devices: policy.OneDevice}, Protocol: settings.POP3}}
		}
	}
	if rapid.Bool().Draw(t, "caldav") {
		d.Services.CalDAV = "https://dav.example.com/calendars/"
	}
	return d
})

// What the tool asks for satisfies the tool: a domain that publishes exactly the records
// that it prints, on servers that work, has no finding above information.
func TestADomainThatFollowsTheToolHasNoFinding(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t)
	w.startMailServers(t, "", "")
	w.checker.Dialer.Connect = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "192.0.2.1:") {
			return w.connectAsStranger(ctx, network, address)
		}
		return w.connect(ctx, network, address)
	}
	w.add("smtp.hoster.example. 300 A 192.0.2.1")
	around := slices.DeleteFunc(slices.Clone(w.records), func(line string) bool {
		return slices.ContainsFunc(w.plan.Records(), func(r Record) bool { return r.String() == line })
	})
	for seed := range 25 {
		drawn := healthyDomains.Example(seed)
		host := w.plan.Host
		w.checker.Only = []Part{PartDNS, PartTLS, PartMail, PartHTTP}
		if seed%5 == 0 { // ports of its own, at which nobody listens here
			w.checker.Only = []Part{PartDNS, PartHTTP}
			drawn.Servers.SMTP = list(settings.Server{Host: hosts[2], Port: 2465, Security: settings.TLS})
		}
		if seed%5 == 1 { // the hoster's server, which isn't here either
			w.checker.Only = []Part{PartDNS, PartHTTP}
			drawn.Servers.SMTP = list(settings.Server{Host: "smtp.hoster.example", Port: 465, Security: settings.TLS})
		}
		w.plan = plan(t, drawn)
		w.plan.Host = host
		w.records = slices.Clone(around)
		for _, r := range w.plan.Records() {
			w.records = append(w.records, r.String())
		}
		for _, f := range w.check(t).Findings {
			if f.Severity != Info {
				t.Errorf("%d: %s %s %s: %s; expected %s\n%+v", seed, f.Severity, f.Code, f.Subject, f.Seen, f.Expected, drawn)
			}
		}
	}
}

// An answer without a tag ends Delta Chat's search, whatever its status: what the domain's
// own host has is of no use to it.
func TestAnEmptyAnswerNamesDeltaChat(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t)
	w.serves(drawnWorld{
		config: page{status: http.StatusNoContent, kind: xmlType},
		known:  page{status: http.StatusOK, kind: xmlType, text: goodConfig},
		pox:    page{status: http.StatusNotFound, kind: "text/html", text: "<p>not here"},
	})
	if got := w.simulate(t, "deltachat"); got.Account != nil {
		t.Fatalf("Delta Chat finds an account: %+v", got)
	}
	for _, f := range w.check(t).Findings {
		if f.Severity == Error && strings.Contains(f.Seen, "Delta Chat") {
			return
		}
	}
	t.Errorf("no error names Delta Chat:\n%s", w.check(t).text())
}
