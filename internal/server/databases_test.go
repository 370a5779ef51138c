package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/doctor"
	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

// databases are shared by the tests that don't disturb them.
var databases testkit.DatabaseServers

// fixedSite is the test site with an identity that is the same in every database.
func fixedSite(t testing.TB) policy.Site {
	t.Helper()
	site := testSite(t)
	site.ID = "abcdefghijklmnopqrstuvwxyz"
	return site
}

// question is a request to the public listener.
type question struct {
	method, target, body string
	header               []string
}

// forAccounts are the questions that name an address, in every format.
func forAccounts(addresses ...string) []question {
	var all []question
	for _, address := range addresses {
		typed := settings.MustAddress(address)
		escaped := url.QueryEscape(typed.String())
		get := func(target string, header ...string) {
			all = append(all, question{http.MethodGet, target, "", header})
		}
		get("http://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=" + escaped)
		get("http://other.example/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=" + escaped)
		get("http://" + typed.Domain() + "/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%40" + typed.Domain() + "&emailmd5=" + md5Hex(strings.ToLower(typed.String())))
		get("http://x/.well-known/mail-v1.xml/?EmailAddress=+" + escaped + ".%20")
		get("http://x//v1.1/mail/config-v1.1.xml?email=" + url.QueryEscape(escaped))
		get(poxURL + "?email=" + escaped)
		get("http://x/autodiscover/autodiscover.json?Protocol=AutodiscoverV1&Email=" + escaped)
		get("http://x/autodiscover/autodiscover.json/v1.0/" + url.PathEscape(typed.String()) + "?Protocol=AutodiscoverV1")
		get("http://x/email.mobileconfig?emailaddress=" + escaped)
		get("http://x/mobileconfig?email=" + escaped)
		for _, schema := range []string{outlookSchema, syncSchema} {
			all = append(all, question{http.MethodPost, poxURL, poxRequest(mail(string(settings.EscapeXML(nil, typed.String()))), schema), []string{"Content-Type", "text/xml"}})
		}
		for _, language := range []string{"en", "de"} {
			all = append(all, question{http.MethodPost, "http://setup.example.com/?lang=" + language, "address=" + escaped + "&device=iphone", []string{"Content-Type", formType}})
		}
	}
	return all
}

// siteDomains are all names of the test site, and one that isn't served.
var siteDomains = []string{"example.com", "example.net", "login.example", "pop.example", "plain.example", "starttls.example", "oauth.example", "quiet.example", "typed.example", "typed.test", "xn--mller-kva.example", "several.example", "nowhere.example"}

// forDomains are the questions that name no address, in every format.
func forDomains() []question {
	var all []question
	for _, domain := range siteDomains {
		for _, target := range []string{
			"http://autoconfig." + domain + "/mail/config-v1.1.xml", "http://" + domain + "/.well-known/autoconfig/mail/config-v1.1.xml", "http://x/v1.1/" + domain,
			"http://autodiscover." + domain + "/autodiscover/autodiscover.xml", "http://ua-auto-config." + domain + "/.well-known/user-agent-configuration.json",
			"http://" + domain + "/.well-known/caldav", "http://" + domain + "/.well-known/carddav", "http://" + domain + "/.well-known/jmap", "http://" + domain + "/",
		} {
			all = append(all, question{http.MethodGet, target, "", nil})
		}
	}
	return append(all, question{http.MethodPost, poxURL, "no XML", nil}, question{http.MethodGet, "http://x/mail/config-v1.1.xml?emailaddress=nonsense", "", nil})
}

// siteAddresses are the accounts of the test site by every way to type them, and
// people who aren't known.
var siteAddresses = []string{
	"office@example.com", "Workshop@Example.com", "workshop+tag@example.net", "kiosk@example.com", "a&b@example.com", "boss@example.com", "chef@example.com", "Chef+x@example.net",
	"nothing@example.com", "kiosk@quiet.example", "nobody@example.com", "nobody@quiet.example", "someone@login.example", "someone@pop.example", "someone@plain.example",
	"someone@starttls.example", "someone@oauth.example", "someone@typed.test", "someone@müller.example", "someone@several.example", "someone@nowhere.example",
}

// random is what differs from one service to the next: tokens and identities of
// links, tokens and forms, ports, and times.
var random = regexp.MustCompile(strings.Join([]string{
	`<time datetime="[^"]*">[^<]*</time>`, `/s/[0-9a-v]{26}`, `\b[0-9a-v]{20,26}\b`, `setup=[^;]*`,
	`name="once" value="[^"]*"`, `\b[0-9a-z]{10}: links:read`, `\b[0-9a-z]{10}\)</small>`, `"actor_id":"[^"]*"`,
	`127\.0\.0\.1:\d+`,
	`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( UTC|Z)?`,
	`Time="[^"]*"`, `Id="\d+"`,
}, "|"))

func masked(r *http.Response, body string) string {
	var header []string
	for name, values := range r.Header {
		if name != "Date" && name != "Content-Length" { // of times with different fractions
			header = append(header, name+": "+strings.Join(values, "; "))
		}
	}
	slices.Sort(header)
	return random.ReplaceAllString(r.Status+"\n"+strings.Join(header, "\n")+"\n\n"+body, "~")
}

// transcript asks, and gives the answers by their questions.
func (w *world) transcript(t testing.TB, questions []question) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, q := range questions {
		r := w.ask(t, q.method, q.target, q.body, q.header...)
		if r.StatusCode >= 500 {
			t.Errorf("%s %s: %s", q.method, q.target, r.Status)
		}
		all[q.method+" "+q.target+" "+q.body] = masked(r, text(r))
	}
	return all
}

// linkPages are the pages of a setup link: before its use, after it, its profile,
// and when it is used up.
func linkPages(t testing.TB, o *servertest.Office, addresses ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, address := range addresses {
		typed := settings.MustAddress(address)
		token, _, err := o.Keeper.Make(t.Context(), links.Order{Address: typed, Domain: typed.Domain(), By: "staff:eva"})
		if err != nil {
			t.Fatal(err)
		}
		path := "http://setup.example.com/s/" + token
		qr := regexp.MustCompile(`(?s)<svg.*?</svg>`)
		note := func(name string, r *http.Response) *http.Response {
			all[address+", "+name] = masked(r, qr.ReplaceAllString(text(r), "~"))
			return r
		}
		note("before", o.Ask(t, http.MethodGet, path, "", "User-Agent", "iPhone"))
		used := note("use", o.Ask(t, http.MethodPost, path, "do=settings&device=iphone", "Content-Type", formType))
		if used.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %s", address, used.Status)
		}
		cookie := used.Cookies()[0].Name + "=" + used.Cookies()[0].Value
		for _, language := range []string{"en", "de"} {
			note("after, "+language, o.Ask(t, http.MethodGet, path+"?device=windows&lang="+language, "", "Cookie", cookie))
		}
		note("profile", o.Ask(t, http.MethodGet, path+"/profile", "", "Cookie", cookie))
		note("gone", o.Ask(t, http.MethodGet, path, ""))
	}
	return all
}

// staffAnswers are those of the API and of the help desk's search.
func staffAnswers(t *testing.T, o *servertest.Office) map[string]string {
	t.Helper()
	all := map[string]string{}
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	note := func(method, path string, body any) {
		status, object := p.Ask(method, path, body)
		shown, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if status >= 500 {
			t.Errorf("%s %s: %d", method, path, status)
		}
		all[fmt.Sprint(method, path, body)] = random.ReplaceAllString(fmt.Sprint(status, string(shown)), "~")
	}
	for _, path := range []string{"/accounts?domain=example.com&limit=2", "/accounts?domain=example.com&q=FRONT", "/accounts?domain=example.com&q=o%25", "/domains?after=a&limit=3", "/domains/example.com", "/domains/several.example", "/domains/nowhere.example", "/links?domain=example.com&address=boss%40example.com", "/audit?limit=5"} {
		note("GET", path, nil)
	}
	for _, address := range siteAddresses {
		escaped := url.PathEscape(address)
		for _, path := range []string{"/accounts/", "/decisions/", "/overrides/", "/renders/thunderbird/", "/renders/autodiscover/", "/renders/mobileconfig/", "/renders/thunderbird-android/"} {
			note("GET", path+escaped, nil)
		}
	}
	note("POST", "/links", map[string]any{"address": "workshop@example.com", "uses": 2, "note": "ticket 7 ✓"})
	note("PUT", "/accounts/new%40example.com", map[string]any{"address": "new@example.com", "name": "Zoë", "protocol": "pop3", "quota": "500MB", "groups": []string{"b", "a"}, "addresses": []string{"other@example.com"}})
	note("GET", "/accounts/new%40example.com", nil)
	note("PUT", "/accounts/office%40example.com", map[string]any{"address": "office@example.com", "addresses": []string{"boss@example.com"}})
	note("DELETE", "/accounts/new%40example.com", nil)
	note("DELETE", "/domains/example.com", nil)
	v := o.SignedIn(t, "eva", staff.Admin, "*")
	for _, path := range []string{"?q=workshop", "?q=THE+boss", "?q=e", "?q=%25", "?q=nobody", "account?address=boss%40example.com", "links", "audit"} {
		r, body := v.Get("/helpdesk/" + path)
		if r.StatusCode >= 500 {
			t.Errorf("%s: %s", path, r.Status)
		}
		shown := strings.Split(masked(r, body), "\n")
		if path == "links" || path == "audit" { // what was done in the same second has no order
			slices.Sort(shown)
		}
		all["/helpdesk/"+path] = strings.Join(shown, "\n")
	}
	return all
}

// differ shows where answers differ.
func differ(t testing.TB, want, got map[string]string) {
	t.Helper()
	if len(want) != len(got) || len(want) == 0 {
		t.Errorf("%d answers, want %d", len(got), len(want))
	}
	shown := 0
	for name, text := range want {
		if got[name] == text {
			continue
		}
		if shown++; shown <= 5 {
			i := 0
			for i < min(len(text), len(got[name])) && text[i] == got[name][i] {
				i++
			}
			from := max(0, i-200)
			t.Errorf("%s\ndiffers after byte %d:\n%.600s\nwant\n%.600s", name, i, got[name][min(from, len(got[name])):], text[from:])
		}
	}
	if shown > 0 {
		t.Errorf("%d of %d answers differ", shown, len(want))
	}
}

// The whole of what a service says is the same on every database, byte for byte.
func TestEveryDatabaseGivesTheSameAnswers(t *testing.T) {
	t.Parallel()
	site := fixedSite(t)
	document := []byte("{\"stored\": \"bytes\"}\n")
	everything := func(t *testing.T, g servertest.Ground) map[string]string {
		t.Helper()
		g.Site = &site
		o := g.Office(t)
		published := doctor.Documents{Name: "example.com", Served: document}
		if err := o.Store.ReplacePACC(t.Context(), doctor.DocumentChange{After: published}); err != nil {
			t.Fatal(err)
		}
		if err := o.Directory.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := worldOf(o.World).transcript(t, append(forDomains(), forAccounts(siteAddresses...)...))
		for name, text := range linkPages(t, o, "workshop@example.com", "boss@example.com", "nobody@example.com", "kiosk@quiet.example") {
			all[name] = text
		}
		for name, text := range staffAnswers(t, o) {
			all[name] = text
		}
		return all
	}
	want := everything(t, servertest.Ground{})
	if len(want) < 400 {
		t.Errorf("only %d answers", len(want))
	}
	for name, at := range map[string]func(t *testing.T) servertest.Ground{
		"sqlite file": func(t *testing.T) servertest.Ground {
			return servertest.Ground{Database: "sqlite:test.db", Folder: t.TempDir()}
		},
		"postgresql": func(t *testing.T) servertest.Ground {
			return servertest.Ground{Database: databases.PostgreSQL(t).Create(t)}
		},
		"mariadb": func(t *testing.T) servertest.Ground {
			return servertest.Ground{Database: databases.MariaDB(t).Create(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			differ(t, want, everything(t, at(t)))
		})
	}
}

// Whatever bytes are sent to the help desk and the API, no database takes them for
// a failure of its own.
func TestBytesThatADatabaseCantHold(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(t *testing.T) servertest.Ground{
		"sqlite": func(*testing.T) servertest.Ground { return servertest.Ground{} },
		"postgresql": func(t *testing.T) servertest.Ground {
			return servertest.Ground{Database: databases.PostgreSQL(t).Create(t)}
		},
		"mariadb": func(t *testing.T) servertest.Ground {
			return servertest.Ground{Database: databases.MariaDB(t).Create(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := at(t).Office(t)
			v, p := o.SignedIn(t, "eva", staff.Admin, "*"), servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
			for _, bad := range []string{"a\x00", "\xff", "\xed\xa0\x80", "\x00"} {
				escaped := url.QueryEscape(bad)
				for _, path := range []string{"?q=", "links?before=", "links/", "account?address=a%40example.com&x=", "sign-in?lang=", "audit?before="} {
					if r, body := v.Get("/helpdesk/" + path + escaped); r.StatusCode >= 500 {
						t.Errorf("%s%s: %s\n%.300s", path, escaped, r.Status, body)
					}
				}
				for path, form := range map[string]url.Values{
					"sign-in":                      {"name": {bad}, "password": {"x"}, "code": {"1"}},
					"links":                        {"address": {"office@example.com"}, "hours": {"1"}, "uses": {"1"}, "note": {bad}, "language": {bad}},
					"links/" + escaped + "/revoke": {},
					"people":                       {"name": {bad}, "role": {"staff"}, "domains": {bad}},
					"people/" + escaped + "/reset": {},
					"own":                          {"old": {bad}, "new": {bad}},
				} {
					if r, body := v.Post("/helpdesk/"+path, form); r.StatusCode >= 500 {
						t.Errorf("%s %q: %s\n%.300s", path, form, r.Status, body)
					}
				}
				for _, path := range []string{"/accounts?domain=example.com&q=", "/accounts?domain=example.com&after=", "/accounts/", "/domains?after=", "/domains/", "/links?after=", "/links/", "/overrides/", "/decisions/", "/audit?after="} {
					if status, answer := p.Ask(http.MethodGet, path+escaped, nil); status >= 500 {
						t.Errorf("%s%s: %d %v", path, escaped, status, answer)
					}
				}
				quoted, err := json.Marshal(bad)
				if err != nil {
					t.Fatal(err)
				}
				for path, body := range map[string]string{
					"/links": `{"address": "office@example.com", "note": %s}`, "/accounts/a%40example.com": `{"address": "a@example.com", "name": %s}`,
					"/accounts/b%40example.com": `{"address": "b@example.com", "groups": [%s]}`, "/accounts/c%40example.com": `{"address": "c@example.com", "login": %s}`,
					"/domains/new.example": `{"plan": %s}`,
				} {
					method := http.MethodPut
					if path == "/links" {
						method = http.MethodPost
					}
					if status, answer := p.Ask(method, path, strings.ReplaceAll(body, "%s", string(quoted)), "Idempotency-Key", "k"+escaped); status >= 500 {
						t.Errorf("%s %s %s: %d %v", method, path, quoted, status, answer)
					}
				}
			}
		})
	}
}
