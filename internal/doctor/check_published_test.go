package doctor

import (
	"net/http"
	"strings"
	"testing"

	"autoconfig/thunderbird"
)

// What domains of others publish, and what a check must say of it. Each row is a kind of
// fault that was reported somewhere.
var publishedCases = []struct {
	name string
	// config and pox are what is published; "" for what this service would.
	config, pox string
	// code is that of a finding whose Seen has all of the texts.
	code     Code
	severity Severity
	seen     []string
}{
	{"published-empty-authentication", strings.ReplaceAll(goodConfig, "password-cleartext", ""), "", ConfigRefused, Error, []string{"Thunderbird: <incomingServer>: no authentication", "Thunderbird for Android, K-9 Mail"}},
	{"published-prefixed-autodiscover", "", prefixedPOX, ConfigRefused, Error, []string{"Thunderbird: the root element", "FairEmail"}},
	{"published-placeholder-without-end", strings.ReplaceAll(goodConfig, "%EMAILADDRESS%", "%EMAILADDRESS"), "", ConfigLogin, Error, []string{`Thunderbird: the login "%EMAILADDRESS"`, "Thunderbird for Android", "Evolution", "KMail", "Delta Chat", "Nextcloud Mail"}},
	{"a placeholder in small letters", strings.ReplaceAll(goodConfig, "%EMAILADDRESS%", "%emailaddress%"), "", ConfigLogin, Error, []string{"%emailaddress%", "Thunderbird"}},
	{"published-autoconfig-placeholder-in-autodiscover", "", poxWith("<LoginName>%EMAILADDRESS%</LoginName><SPA>off</SPA><SSL>on</SSL>"), ConfigValue, Error, []string{"%EMAILADDRESS%"}},
	{"a type in capitals", strings.Replace(goodConfig, `"imap"`, `"IMAP"`, 1), "", ConfigRefused, Error, []string{"Thunderbird", "Thunderbird for Android", "KMail", "FairEmail", "Nextcloud Mail"}},
	{"an id with a blank", strings.Replace(goodConfig, `id="example.com"`, `id="My Provider"`, 1), "", ConfigRefused, Error, []string{"Thunderbird: the id", "Thunderbird for Android"}},
	{"no id", strings.Replace(goodConfig, ` id="example.com"`, "", 1), "", ConfigRefused, Error, []string{"Thunderbird: the id"}},
	{"no domain", strings.Replace(goodConfig, "<domain>example.com</domain>", "", 1), "", ConfigRefused, Error, []string{"Thunderbird: <domain>: there is no <domain>", "Thunderbird for Android"}},
	{"a host with a port", strings.Replace(goodConfig, "imap.example.com", "imap.example.com:993", 1), "", ConfigRefused, Error, []string{"Thunderbird", "is not a host name", "Nextcloud Mail", "KMail", "Evolution", "FairEmail", "Delta Chat"}},
	{"a host with a scheme", strings.Replace(goodConfig, "imap.example.com", "ssl://imap.example.com", 1), "", ConfigRefused, Error, []string{"Thunderbird", "KMail"}},
	{"a login with a line break", strings.ReplaceAll(goodConfig, "%EMAILADDRESS%", "\n%EMAILADDRESS%\n"), "", ConfigLogin, Error, []string{"Thunderbird"}},
	{"no username", strings.ReplaceAll(goodConfig, "<username>%EMAILADDRESS%</username>", ""), "", ConfigLogin, Error, []string{`Evolution: the login ""`, "KMail", "Nextcloud Mail", `"undefined"`}},
	{"a placeholder in a host", strings.ReplaceAll(goodConfig, "imap.example.com", "imap.%EMAILDOMAIN%"), "", ConfigRefused, Error, []string{"FairEmail: it sets up IMAP with the host \"imap.%EMAILDOMAIN%\"", "Nextcloud Mail"}},
	{"and no domain in Evolution", strings.ReplaceAll(goodConfig, "imap.example.com", "imap.%EMAILDOMAIN%"), "", ConfigDisagrees, Error, []string{"Evolution: IMAP imap.:993"}},
	{"a port that is a word", strings.Replace(goodConfig, ">993<", ">imaps<", 1), "", ConfigRefused, Error, []string{"Thunderbird", "Evolution: it sets up IMAP with the port 0 (KMail, Nextcloud Mail as well)", "FairEmail"}},
	{"a socketType in small letters", strings.ReplaceAll(goodConfig, ">SSL<", ">ssl<"), "", ConfigValue, Error, []string{"socketType ssl", "Thunderbird", "Thunderbird for Android"}},
	{"and plaintext of it", strings.ReplaceAll(goodConfig, ">SSL<", ">ssl<"), "", ConfigWeaker, Error, []string{"Evolution: IMAP imap.example.com:993 in plaintext"}},
	{"a socketType with blanks", strings.ReplaceAll(goodConfig, ">SSL<", "> SSL <"), "", ConfigWeaker, Error, []string{"in plaintext", "Nextcloud Mail", "Evolution"}},
	{"a second server with STARTTLS", strings.Replace(goodConfig, "<outgoingServer", starttlsIMAP+"<outgoingServer", 1), "", ConfigWeaker, Warning, []string{"Evolution: IMAP imap.example.com:143 with STARTTLS"}},
	{"a second server in plaintext", strings.Replace(goodConfig, "<outgoingServer", plainIMAP+"<outgoingServer", 1), "", ConfigWeaker, Error, []string{"Evolution: IMAP imap.example.com:143 in plaintext"}},
	{"a second outgoing server with STARTTLS", strings.Replace(goodConfig, "</emailProvider>", starttlsSMTP+"</emailProvider>", 1), "", ConfigWeaker, Warning, []string{"KMail", "SMTP smtp.example.com:587 with STARTTLS"}},
	{"POP3 before IMAP", strings.Replace(goodConfig, "<incomingServer", popServer+"<incomingServer", 1), "", ConfigRefused, Error, []string{"FairEmail: the first <incomingServer> isn't IMAP"}},
	{"OAuth2 alone", strings.ReplaceAll(goodConfig, "password-cleartext", "OAuth2"), "", ConfigRefused, Error, []string{"Thunderbird: <incomingServer>: it has no OAuth2 for imap.example.com"}},
	{"port 587 with SSL", strings.Replace(goodConfig, "<port>465</port>", "<port>587</port>", 1), "", ConfigPort, Warning, []string{"SMTP smtp.example.com:587 with SSL"}},
	{"port 143 with SSL", strings.Replace(goodConfig, "<port>993</port>", "<port>143</port>", 1), "", ConfigPort, Warning, []string{"IMAP imap.example.com:143 with SSL"}},
	{"port 993 with STARTTLS", strings.ReplaceAll(goodConfig, ">SSL<", ">STARTTLS<"), "", ConfigPort, Warning, []string{"IMAP imap.example.com:993 with STARTTLS"}},
	{"a placeholder in the id", strings.Replace(goodConfig, `id="example.com"`, `id="%EMAILDOMAIN%"`, 1), "", ConfigRefused, Error, []string{"Thunderbird for Android, K-9 Mail: the id"}},
	{"a second server without a port", strings.Replace(goodConfig, "<outgoingServer", strings.Replace(starttlsIMAP, "143", "", 1)+"<outgoingServer", 1), "", ConfigRefused, Error, []string{"Thunderbird for Android, K-9 Mail"}},
	{"a socketType that is no word", strings.ReplaceAll(goodConfig, ">SSL<", ">STARTSSL<"), "", ConfigValue, Error, []string{"socketType STARTSSL", "Thunderbird"}},
	{"socketType none", strings.ReplaceAll(goodConfig, ">SSL<", ">none<"), "", ConfigValue, Error, []string{"socketType none"}},
	{"two placeholders in the username", strings.ReplaceAll(goodConfig, "%EMAILADDRESS%", "%EMAILLOCALPART%@%EMAILDOMAIN%"), "", ConfigLogin, Error, []string{`Evolution: the login "autoconfig-check@"`}},
	{"Autodiscover with SSL off", "", strings.ReplaceAll(goodPOX, "<SSL>on</SSL>", "<SSL>off</SSL>"), ConfigPlaintext, Error, []string{"IMAP imap.example.com:993, SSL off"}},
	{"Autodiscover at port 587 with SSL", "", strings.Replace(goodPOX, "<Port>465</Port>", "<Port>587</Port>", 1), ConfigPort, Warning, []string{"SMTP smtp.example.com:587"}},
	{"Autodiscover without LoginName", "", strings.ReplaceAll(goodPOX, "<LoginName>autoconfig-check@example.com</LoginName>", ""), ConfigLeftOut, Warning, []string{"IMAP, SMTP without LoginName", "Outlook (classic)"}},
	{"Autodiscover without SPA", "", strings.ReplaceAll(goodPOX, "<SPA>off</SPA>", ""), ConfigLeftOut, Info, []string{"without SPA"}},
	{"Autodiscover without a port", "", strings.Replace(goodPOX, "<Port>993</Port>", "", 1), ConfigRefused, Error, []string{"Thunderbird", "FairEmail"}},
	{"Autodiscover with an empty SSL", "", strings.Replace(goodPOX, "<SSL>on</SSL>", "<SSL></SSL>", 1), ConfigRefused, Error, []string{"Outlook (classic): IMAP: SSL is empty"}},
	{"Autodiscover without Action", "", strings.Replace(goodPOX, "<Action>settings</Action>", "", 1), ConfigRefused, Error, []string{"Outlook (classic): Action", "FairEmail"}},
	{"Autodiscover without AccountType", "", strings.Replace(goodPOX, "<AccountType>email</AccountType>", "", 1), ConfigRefused, Error, []string{"Outlook (classic): AccountType", "FairEmail"}},
	{"Autodiscover in small letters", "", strings.ReplaceAll(goodPOX, ">IMAP<", ">imap<"), ConfigRefused, Error, []string{"Outlook (classic): there is neither IMAP nor POP3", "Thunderbird", "FairEmail"}},
	{"Autodiscover without SMTP", "", strings.ReplaceAll(goodPOX, ">SMTP<", ">NONE<"), ConfigRefused, Error, []string{"Outlook (classic): there is no SMTP", "FairEmail"}},
	{"a document that is cut", goodConfig[:len(goodConfig)-20], "", ConfigUnreadable, Error, []string{"Thunderbird", "Nextcloud Mail"}},
	{"a template that was never filled in", strings.ReplaceAll(goodConfig, "imap.example.com", "{{ mail_host }}"), "", ConfigValue, Error, []string{"{{ mail_host }}"}},
}

var (
	goodConfig   = configWith(goodIMAP + goodSMTP)
	starttlsIMAP = xmlServer("incoming", "imap", "imap.example.com", 143, "STARTTLS", "%EMAILADDRESS%")
	plainIMAP    = xmlServer("incoming", "imap", "imap.example.com", 143, "plain", "%EMAILADDRESS%")
	starttlsSMTP = xmlServer("outgoing", "smtp", "smtp.example.com", 587, "STARTTLS", "%EMAILADDRESS%")
	popServer    = xmlServer("incoming", "pop3", "pop.example.com", 995, "SSL", "%EMAILADDRESS%")
	goodPOX      = `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account><AccountType>email</AccountType><Action>settings</Action>` +
		`<Protocol><Type>IMAP</Type><Server>imap.example.com</Server><Port>993</Port><LoginName>autoconfig-check@example.com</LoginName><SPA>off</SPA><SSL>on</SSL></Protocol>` +
		`<Protocol><Type>SMTP</Type><Server>smtp.example.com</Server><Port>465</Port><LoginName>autoconfig-check@example.com</LoginName><SPA>off</SPA><SSL>on</SSL></Protocol></Account></Response></Autodiscover>`
	prefixedPOX = strings.NewReplacer("</", "</a:", "<", "<a:", "xmlns=", "xmlns:a=").Replace(goodPOX)
)

// publishes makes a domain of others of a world: a document and an answer of Autodiscover.
func (w *webWorld) publishes(config, pox string) {
	clear(w.sites)
	if config == "" {
		config = goodConfig
	}
	if pox == "" {
		pox = goodPOX
	}
	w.sites["https://autoconfig.example.com"] = only(configPath, say(http.StatusOK, xmlType, config), http.NotFound)
	w.sites["https://autodiscover.example.com"] = only(poxPath, say(http.StatusOK, xmlType, pox), http.NotFound)
}

func TestPublishedCases(t *testing.T) {
	t.Parallel()
	for _, c := range publishedCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t)
			w.publishes(c.config, c.pox)
			w.dns.Set(t, w.records...)
			r := w.checker.Check(t.Context(), "example.com", nil)
			for _, f := range r.with(c.code) {
				has := f.Severity == c.severity && f.Remedy != ""
				for _, text := range c.seen {
					has = has && strings.Contains(f.Seen, text)
				}
				if has {
					return
				}
			}
			t.Errorf("no %s %s with %q:\n%s", c.severity, c.code, c.seen, r.text())
		})
	}
}

// Programs that don't say for whom they ask get nothing from a service that needs an
// address, or get something else.
func TestAnswersWithoutAnAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		alone    http.HandlerFunc
		code     Code
		seen     string
		severity Severity
	}{
		"400":              {say(http.StatusBadRequest, "text/plain", "an address is needed"), HTTPStatus, "status 400 to a request without an address (no account in Thunderbird for Android, K-9 Mail, KMail, Delta Chat)", Error},
		"a page":           {say(http.StatusOK, "text/html", page200), ConfigNotFound, "no account in Thunderbird for Android, K-9 Mail, KMail", Error},
		"an empty address": {say(http.StatusOK, xmlType, strings.ReplaceAll(goodConfig, "%EMAILADDRESS%", "@example.com")), ConfigLogin, `Thunderbird for Android, K-9 Mail: the login "@example.com"`, Error},
		"the same":         {say(http.StatusOK, xmlType, goodConfig), "", "", ""},
		"another server":   {say(http.StatusOK, xmlType, strings.ReplaceAll(goodConfig, "imap.example.com", "old.example.com")), ConfigDisagrees, "Thunderbird for Android, K-9 Mail: IMAP old.example.com:993", Error},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t)
			w.publishes("", "")
			w.sites["https://autoconfig.example.com"] = func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("emailaddress") == "" {
					c.alone(rw, r)
					return
				}
				say(http.StatusOK, xmlType, goodConfig)(rw, r)
			}
			w.dns.Set(t, w.records...)
			r := w.checker.Check(t.Context(), "example.com", nil)
			if c.code == "" && len(r.Findings) > 0 {
				t.Errorf("findings:\n%s", r.text())
			}
			if found := r.with(c.code); c.code != "" && (len(found) == 0 || found[0].Severity != c.severity || !strings.Contains(found[0].Seen, c.seen)) {
				t.Errorf("no %s with %q:\n%s", c.code, c.seen, r.text())
			}
		})
	}
}

// One fault is one finding, or a few, however many programs mind and under however many
// URLs it is published.
func TestOneFaultIsOneFinding(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"a type in capitals": strings.Replace(goodConfig, `"imap"`, `"IMAP"`, 1),
		"no id":              strings.Replace(goodConfig, ` id="example.com"`, "", 1),
		"a host with a port": strings.Replace(goodConfig, "imap.example.com", "imap.example.com:993", 1),
		"a half placeholder": strings.ReplaceAll(goodConfig, "%EMAILADDRESS%", "%EMAILADDRESS"),
		"a cut document":     goodConfig[:len(goodConfig)-20],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t)
			w.publishes(config, "")
			w.sites["https://example.com"] = only(thunderbird.PathWellKnown, say(http.StatusOK, xmlType, config), http.NotFound)
			w.dns.Set(t, w.records...)
			if r := w.checker.Check(t.Context(), "example.com", nil); len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Seen, "also at https://example.com/") {
				t.Errorf("%d findings:\n%s", len(r.Findings), r.text())
			}
		})
	}
}

// What is as it should be has no finding.
func TestGoodDocumentsHaveNoFinding(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"ours":                         goodConfig,
		"a placeholder for the domain": strings.Replace(goodConfig, "<domain>example.com", "<domain>%EMAILDOMAIN%", 1),
		"OAuth2 after a password":      strings.ReplaceAll(goodConfig, "password-cleartext</authentication>", "password-cleartext</authentication><authentication>OAuth2</authentication>"),
		"a declaration and comments":   "<?xml version=\"1.0\"?><!-- x -->" + goodConfig,
		"POP3 alone":                   configWith(popServer + goodSMTP),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t)
			pox := ""
			if strings.HasPrefix(name, "POP3") {
				pox = strings.NewReplacer("IMAP", "POP3", "imap.", "pop.", "993", "995").Replace(goodPOX)
			}
			w.publishes(config, pox)
			w.dns.Set(t, w.records...)
			if r := w.checker.Check(t.Context(), "example.com", nil); len(r.Findings) > 0 {
				t.Errorf("findings:\n%s", r.text())
			}
		})
	}
}

// An answer that leads to another URL is judged there, as Outlook goes there.
func TestRedirectUrlIsFollowed(t *testing.T) {
	t.Parallel()
	lead := func(to string) string {
		return strings.Replace(goodPOX[:strings.Index(goodPOX, "<Protocol>")], "<Action>settings</Action>", "<Action>redirectUrl</Action><RedirectUrl>"+to+"</RedirectUrl>", 1) + "</Account></Response></Autodiscover>"
	}
	const there = "https://setup.example.com/autodiscover/autodiscover.xml"
	for name, c := range map[string]struct {
		to, answer string
		code       Code
	}{
		"to a good answer":  {there, goodPOX, ""},
		"to a bad one":      {there, strings.Replace(goodPOX, ">IMAP<", ">imap<", 1), ConfigRefused},
		"to plain http":     {"http://setup.example.com/", goodPOX, ConfigRefused},
		"in a circle":       {there, lead(there), ConfigRefused},
		"to another server": {there, strings.Replace(goodPOX, "imap.example.com", "old.example.com", 1), ConfigDisagrees},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t)
			w.publishes("", lead(c.to))
			w.sites["https://setup.example.com"] = only(poxPath, say(http.StatusOK, xmlType, c.answer), http.NotFound)
			w.dns.Set(t, w.records...)
			r := w.checker.Check(t.Context(), "example.com", nil)
			if c.code == "" && len(r.Findings) > 0 || c.code != "" && (len(r.with(c.code)) != 1 || !strings.Contains(r.with(c.code)[0].Seen, "Outlook (classic)")) {
				t.Errorf("findings:\n%s", r.text())
			}
		})
	}
}

// A page at the special name ends the search of some programs, although the well-known
// path has the document.
func TestAPageThatEndsASearch(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t)
	w.publishes("", "")
	w.sites["https://autoconfig.example.com"] = say(http.StatusOK, "text/html", page200)
	w.sites["https://example.com"] = only(thunderbird.PathWellKnown, say(http.StatusOK, xmlType, goodConfig), http.NotFound)
	r := w.check(t)
	if found := r.with(ConfigNotFound); len(found) != 1 || !strings.Contains(found[0].Seen, "KMail") || strings.Contains(found[0].Seen, "Nextcloud") {
		t.Errorf("findings:\n%s", r.text())
	}
}
