package doctor

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"autoconfig/autodiscover"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// webWorld is a world with web servers: this service at its own address, and the
// domain's web site at another.
type webWorld struct {
	*world
	// sites answer by host, https and http apart: "https://host".
	sites map[string]http.HandlerFunc
}

const (
	configPath = thunderbird.Path
	poxPath    = autodiscover.Path
)

func newWebWorld(t *testing.T) *webWorld {
	t.Helper()
	w := &webWorld{world: newWorld(t)}
	w.checker.Only = []Part{PartHTTP}
	w.add("example.com. 300 A 192.0.2.81", "autoconfig.example.net. 300 A 192.0.2.80")
	w.ca = testkit.NewCA(t)
	w.checker.Roots = w.ca.Pool()
	names := []string{"example.com", "autoconfig.example.com", "autodiscover.example.com", "setup.example.com", "autoconfig.example.net", "ua-auto-config.example.com"}
	sites := testkit.StartSites(t, w.ca, names...)
	w.sites = sites.Pages
	for _, ip := range []string{"192.0.2.80", "192.0.2.81"} {
		w.routes[ip+":443"], w.routes[ip+":80"] = sites.HTTPS, sites.HTTP
	}
	w.sites["https://autoconfig.example.com"] = w.answer(nil)
	w.sites["https://autodiscover.example.com"] = w.answer(nil)
	for _, name := range names {
		w.sites["http://"+name] = func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "https://"+name+r.URL.RequestURI(), http.StatusMovedPermanently)
		}
	}
	return w
}

// answer is what this service answers, with changed settings.
func (w *webWorld) answer(change func(*settings.Settings)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		address := settings.MustAddress(localPart + "@example.com")
		s := w.plan.Terms.PublicSettings(address, w.plan.Terms.Unknown(address))
		if change != nil {
			change(&s)
		}
		var body []byte
		var err error
		switch r.URL.Path {
		case configPath:
			body, err = thunderbird.Render(s)
		case poxPath:
			body, err = autodiscover.Render(s)
		default:
			body = autodiscover.RenderJSON("https://" + w.plan.Host + poxPath)
		}
		if err != nil {
			panic(err)
		}
		rw.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = rw.Write(body)
	}
}

func say(status int, kind, body string) http.HandlerFunc { return testkit.Say(status, kind, body) }

func only(path string, special, rest http.HandlerFunc) http.HandlerFunc {
	return testkit.Only(path, special, rest)
}

func TestAHealthyServiceHasNoFinding(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t)
	if r := w.check(t); len(r.Findings) > 0 {
		t.Errorf("findings:\n%s", r.text())
	}
	if r := w.checker.Check(t.Context(), "example.com", nil); len(r.Findings) > 0 {
		t.Errorf("without a plan:\n%s", r.text())
	}
}

// A domain whose special names have no certificates, and whose plain http leads to this
// service: what dns --variant redirect prints has no finding above information. Without
// that way, the missing certificate is an error.
func TestADomainWithoutCertificates(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t)
	w.plan = w.plan.WithoutCertificates()
	for _, r := range w.plan.Records() {
		if strings.HasPrefix(r.Name, "ua-auto-config.") || strings.HasPrefix(r.Name, "_ua-auto-config.") {
			t.Errorf("PACC has no plain http: %s", r)
		}
	}
	w.sites["https://setup.example.com"] = w.answer(nil)
	for _, label := range []string{"autoconfig", "autodiscover"} {
		w.sites["https://"+label+".example.com"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		w.sites["http://"+label+".example.com"] = func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "https://setup.example.com"+r.URL.RequestURI(), http.StatusFound)
		}
	}
	w.checker.Only = []Part{PartDNS, PartHTTP}
	r := w.check(t)
	unreachable, without := 0, ""
	for _, f := range r.Findings {
		if f.Code == HTTPUnreachable && strings.Contains(f.Seen, "plain http leads to https://setup.example.com") {
			unreachable++
		}
		if f.Code == ConfigNotFound {
			without = f.Seen
		}
		if f.Severity != Info {
			t.Errorf("%+v", f)
		}
	}
	if unreachable != 2 {
		t.Errorf("the two names without a certificate aren't told:\n%s", r.text())
	}
	if want := "no account in FairEmail, Delta Chat"; without != want { // its SRV records are another part's
		t.Errorf("%q, want %q", without, want)
	}
	// Who runs check doesn't say which variant it is: that the PACC records aren't there is no mistake.
	w.plan.Documents = [][]byte{[]byte(paccDocument)}
	w.remove(t, "ua-auto-config.example.com")
	w.remove(t, "_ua-auto-config.example.com")
	if r := w.check(t); r.Worst() != Info {
		t.Errorf("with the usual plan:\n%s", r.text())
	}
	// The service's own certificate at the other names, as most web servers do.
	wrong := testkit.StartSites(t, w.ca, "setup.example.com")
	wrong.Pages["https://setup.example.com"] = w.sites["https://setup.example.com"]
	right := w.routes["192.0.2.80:443"]
	w.routes["192.0.2.80:443"] = wrong.HTTPS
	warned := 0
	r = w.check(t)
	for _, f := range r.Findings {
		if f.Code == HTTPUnreachable && f.Severity == Warning && strings.Contains(f.Remedy, "rather than a wrong one") {
			warned++
		}
	}
	if r.Worst() != Warning || warned != 2 {
		t.Errorf("with a wrong certificate:\n%s", r.text())
	}
	w.routes["192.0.2.80:443"] = right
	delete(w.sites, "http://autoconfig.example.com")
	if r := w.check(t); r.Worst() != Error {
		t.Errorf("without the redirect:\n%s", r.text())
	}
}

const page200 = "<!doctype html><title>Welcome</title>"

func configWith(servers string) string {
	return `<clientConfig version="1.1"><emailProvider id="example.com"><domain>example.com</domain>` + servers + `</emailProvider></clientConfig>`
}

func xmlServer(tag, kind, host string, port int, socket, user string) string {
	return fmt.Sprintf(`<%[1]sServer type="%[2]s"><hostname>%[3]s</hostname><port>%[4]d</port><socketType>%[5]s</socketType><authentication>password-cleartext</authentication><username>%[6]s</username></%[1]sServer>`, tag, kind, host, port, socket, user)
}

var (
	goodIMAP = xmlServer("incoming", "imap", "imap.example.com", 993, "SSL", "%EMAILADDRESS%")
	goodSMTP = xmlServer("outgoing", "smtp", "smtp.example.com", 465, "SSL", "%EMAILADDRESS%")
)

func poxWith(ssl string) string {
	return `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account>` +
		`<Protocol><Type>IMAP</Type><Server>imap.example.com</Server><Port>993</Port>` + ssl + `</Protocol>` +
		`<Protocol><Type>SMTP</Type><Server>smtp.example.com</Server><Port>465</Port><SSL>on</SSL></Protocol></Account></Response></Autodiscover>`
}

const xmlType = "text/xml; charset=utf-8"

func TestEveryFaultOfTheWebIsFoundAndMended(t *testing.T) {
	t.Parallel()
	host := func(name string, path string, h http.HandlerFunc) func(*webWorld) {
		return func(w *webWorld) { w.sites[name] = only(path, h, w.sites["https://autoconfig.example.com"]) }
	}
	const autoconfig, discover, apex = "https://autoconfig.example.com", "https://autodiscover.example.com", "https://example.com"
	const wellKnown = thunderbird.PathWellKnown
	redirect := func(to string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, to, http.StatusFound) }
	}
	config := func(servers string) func(*webWorld) {
		return host(autoconfig, configPath, say(200, xmlType, configWith(servers)))
	}
	for name, c := range map[string]struct {
		code  Code
		fault func(*webWorld)
		seen  string
	}{
		"nothing listens":    {HTTPUnreachable, func(w *webWorld) { delete(w.routes, "192.0.2.80:443") }, "connection refused"},
		"wrong certificate":  {HTTPUnreachable, func(w *webWorld) { w.checker.Roots = nil }, "certificate"},
		"redirects for ever": {RedirectLoop, host(autoconfig, configPath, redirect("https://autoconfig.example.com"+configPath)), "more than 20 redirects"},
		"refuses":            {HTTPStatus, host(autoconfig, configPath, say(403, "text/plain", "no")), "status 403"},
		"POX refuses":        {HTTPStatus, host(discover, poxPath, say(401, "text/plain", "no")), "status 401"},
		"POX error":          {HTTPStatus, host(discover, poxPath, say(200, xmlType, `<Autodiscover><Response><Error><ErrorCode>500</ErrorCode></Error></Response></Autodiscover>`)), "Autodiscover error 500"},
		"JSON of others":     {HTTPNotOurs, host(discover, "/autodiscover/autodiscover.json", say(200, "application/json", `{"Protocol":"AutodiscoverV1","Url":"https://evil.example/"}`)), "https://evil.example/"},
		"over plain http":    {HTTPPlain, func(w *webWorld) { w.sites["http://autoconfig.example.com"] = w.sites[autoconfig] }, "over plain http"},
		"leaves https": {HTTPDowngrade, func(w *webWorld) {
			w.sites[autoconfig] = redirect("http://setup.example.com" + configPath)
			w.sites["http://setup.example.com"] = w.answer(nil)
		}, "http://setup.example.com"},
		"wrong media type":               {ContentType, host(autoconfig, configPath, say(200, "Text/XML", configWith(goodIMAP+goodSMTP))), "Text/XML"},
		"page on the well-known":         {AutoconfigApex, host(apex, wellKnown, say(200, "text/html", page200)), "status 200, text/html"},
		"page on Autodiscover":           {AutodiscoverApex, host(apex, poxPath, say(200, "text/html", page200)), "status 200, text/html"},
		"broken document":                {ConfigUnreadable, host(autoconfig, configPath, say(200, xmlType, "<clientConfig>")), "not an autoconfig document"},
		"no outgoing server":             {ConfigUnreadable, config(goodIMAP), "1 incoming and 0 outgoing"},
		"an empty authentication":        {ConfigRefused, host(autoconfig, configPath, say(200, xmlType, strings.ReplaceAll(configWith(goodIMAP+goodSMTP), "password-cleartext", ""))), "Thunderbird: <incomingServer>: no authentication"},
		"no id":                          {ConfigRefused, host(autoconfig, configPath, say(200, xmlType, strings.Replace(configWith(goodIMAP+goodSMTP), ` id="example.com"`, "", 1))), "Thunderbird: the id"},
		"a type in capitals":             {ConfigRefused, config(strings.Replace(goodIMAP, "imap", "IMAP", 1) + goodSMTP), `Thunderbird: <incomingServer>: type "IMAP"`},
		"a host with a port":             {ConfigRefused, config(strings.Replace(goodIMAP, "imap.example.com", "imap.example.com:993", 1) + goodSMTP), "is not a host name"},
		"an attribute too many":          {ConfigRefused, config(strings.Replace(goodIMAP, `type="imap"`, `type="imap" x="y"`, 1) + goodSMTP), "Evolution: <incomingServer> needs"},
		"POX with a prefix":              {ConfigRefused, host(discover, poxPath, say(200, xmlType, strings.NewReplacer("</", "</a:", "<", "<a:", "xmlns=", "xmlns:a=").Replace(poxWith("")))), "Thunderbird: the root element"},
		"a placeholder without its end":  {ConfigLogin, config(strings.ReplaceAll(goodIMAP+goodSMTP, "ADDRESS%", "ADDRESS")), "the login \"%EMAILADDRESS\""},
		"a placeholder in small letters": {ConfigLogin, config(strings.ReplaceAll(goodIMAP+goodSMTP, "%EMAILADDRESS%", "%emailaddress%")), "%emailaddress%"},
		"no username":                    {ConfigLogin, config(strings.ReplaceAll(goodIMAP+goodSMTP, "<username>%EMAILADDRESS%</username>", "")), "Evolution: the login \"\""},
		"a placeholder in POX":           {ConfigValue, host(discover, poxPath, say(200, xmlType, poxWith("<LoginName>%EMAILADDRESS%</LoginName><SSL>on</SSL>"))), "%EMAILADDRESS%"},
		"another protocol":               {ConfigDisagrees, config(xmlServer("incoming", "pop3", "pop.example.com", 995, "SSL", "x") + goodSMTP), "POP3 pop.example.com:995"},
		"another host by POX": {ConfigDisagrees, func(w *webWorld) {
			w.sites[discover] = w.answer(func(s *settings.Settings) { s.Incoming.Host = "old.example.com" })
		}, "IMAP old.example.com:993"},
		"plaintext only":         {ConfigPlaintext, config(xmlServer("incoming", "imap", "imap.example.com", 143, "plain", "x") + xmlServer("outgoing", "smtp", "smtp.example.com", 25, "plain", "x")), "no server with SSL"},
		"STARTTLS first":         {ConfigOrder, config(xmlServer("incoming", "imap", "imap.example.com", 143, "STARTTLS", "x") + goodIMAP + goodSMTP), "with STARTTLS before one with SSL"},
		"unknown socket":         {ConfigValue, config(xmlServer("incoming", "imap", "imap.example.com", 993, "TLS", "x") + goodSMTP), "socketType TLS"},
		"template":               {ConfigValue, config(xmlServer("incoming", "imap", "imap.{{domain}}", 993, "SSL", "x") + goodSMTP), "imap.{{domain}}"},
		"SSL=yes":                {ConfigValue, host(discover, poxPath, say(200, xmlType, poxWith("<SSL>yes</SSL>"))), "SSL yes"},
		"Encryption=starttls":    {ConfigValue, host(discover, poxPath, say(200, xmlType, poxWith("<SSL>on</SSL><Encryption>starttls</Encryption>"))), "Encryption starttls"},
		"Encryption without SSL": {ConfigEncryption, host(discover, poxPath, say(200, xmlType, poxWith("<SSL>off</SSL><Encryption>TLS</Encryption>"))), "SSL off with Encryption TLS"},
		"POX in the clear":       {ConfigPlaintext, host(discover, poxPath, say(200, xmlType, poxWith("<SSL>off</SSL>"))), "SSL off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t)
			c.fault(w)
			r := w.check(t)
			if found := r.with(c.code); len(found) == 0 || !strings.Contains(found[0].Seen, c.seen) || found[0].Remedy == "" {
				t.Errorf("not found:\n%s", r.text())
			}
		})
	}
}

// A domain that isn't ours is judged by what it says itself.
func TestDomainsOfOthers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*webWorld)
		code   Code
		seen   string
	}{
		"disagrees with itself": {func(w *webWorld) {
			w.sites["https://autodiscover.example.com"] = w.answer(func(s *settings.Settings) { s.Outgoing.Port = 587 })
		}, ConfigDisagrees, "smtp.example.com:587"},
		"only its provider answers": {func(w *webWorld) {
			clear(w.sites)
			w.sites["https://autoconfig.example.net"] = w.answer(nil)
			w.add("example.com. 300 MX 5 mx1.example.net.", "mx1.example.net. 300 A 192.0.2.25")
		}, MXIndirect, "https://autoconfig.example.net"},
		"nothing at all": {func(w *webWorld) { clear(w.sites) }, NothingPublished, "no configuration, here or at example.com"},
		"an alias to a name that is gone": {func(w *webWorld) {
			w.remove(t, "autodiscover.example.com")
			w.add("autodiscover.example.com. 300 CNAME gone.example.net.")
			w.checker.Only = []Part{PartDNS}
		}, HostDangling, "gone.example.net. doesn't exist"},
		"MX under a public suffix": {func(w *webWorld) {
			clear(w.sites)
			w.add("example.com. 300 MX 5 mail.co.uk.")
		}, MXPublicSuffix, "mail.co.uk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t)
			c.change(w)
			w.dns.Set(t, w.records...)
			r := w.checker.Check(t.Context(), "example.com", nil)
			if found := r.with(c.code); len(found) != 1 || !strings.Contains(found[0].Seen, c.seen) {
				t.Errorf("findings:\n%s", r.text())
			}
		})
	}
}

// A redirect to where a stranger may not send us is not followed.
func TestRedirectsAreJudgedAtEachHop(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t)
	var reached bool
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inside.Close)
	w.add("inside.example.com. 300 A 127.0.0.1")
	w.routes["127.0.0.1:80"] = inside.Listener.Addr().(*net.TCPAddr).String()
	for to, code := range map[string]Code{
		"http://inside.example.com/": RedirectPrivate, "http://127.0.0.1/": RedirectPrivate,
		"http://[::ffff:127.0.0.1]/": RedirectPrivate, "file:///etc/passwd": RedirectBroken,
	} {
		w.sites["https://autoconfig.example.com"] = func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", to)
			rw.WriteHeader(http.StatusFound)
		}
		if found := w.check(t).with(code); len(found) == 0 || reached {
			t.Errorf("%s: %+v, reached: %v", to, found, reached)
		}
	}
}
