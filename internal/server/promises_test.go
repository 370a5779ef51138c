package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"howett.net/plist"
	"pgregory.net/rapid"

	"autoconfig/autodiscover"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// protocols asks for an account in every way that identifies it, and gives each
// answer's incoming protocol.
func (w *world) protocols(t *rapid.T, typed settings.Address) map[string]string {
	get := func(target string) string {
		r := do(w.server.Public(false), http.MethodGet, target, "")
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", target, r.Status)
		}
		return text(r)
	}
	escaped := url.QueryEscape(typed.String())
	got := map[string]string{}
	for name, target := range map[string]string{
		"autoconfig": "http://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=" + escaped,
		"well-known": "http://other.example/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=" + escaped,
		"evolution": "http://example.com/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%40" + typed.Domain() +
			"&emailmd5=" + md5Hex(strings.ToLower(typed.String())),
	} {
		c, err := thunderbird.Parse([]byte(get(target)))
		if err != nil {
			t.Fatal(err)
		}
		var incoming []string
		for _, s := range c.Incoming {
			if s.Type != "jmap" {
				incoming = append(incoming, s.Type)
			}
		}
		got[name] = strings.Join(incoming, " and ")
	}
	r := do(w.server.Public(false), http.MethodPost, poxURL, poxRequest(mail(string(settings.EscapeXML(nil, typed.String()))), outlookSchema))
	pox, err := autodiscover.ParseResponse([]byte(text(r)))
	if err != nil {
		t.Fatal(err)
	}
	var incoming []string
	for _, p := range pox.Protocols {
		if p.Type != "SMTP" {
			incoming = append(incoming, strings.ToLower(p.Type))
		}
	}
	got["autodiscover"] = strings.Join(incoming, " and ")
	var p mailPayload
	if _, err := plist.Unmarshal([]byte(get("http://x/email.mobileconfig?email="+escaped)), &p); err != nil {
		t.Fatal(err)
	}
	got["profile"] = map[string]string{"EmailTypeIMAP": "imap", "EmailTypePOP": "pop3"}[p.PayloadContent[0].EmailAccountType]
	return got
}

// One account, one protocol, in every format and to every request that
// identifies it, and it is what the policy decides.
func TestOneProtocolForAnAccountInEveryFormat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := testSite(t)
	terms, _ := site.Terms("example.com")
	rapid.Check(t, func(rt *rapid.T) {
		local := rapid.StringMatching(`[a-z][a-z0-9.&'-]{0,9}`).Draw(rt, "local")
		a := policy.Account{
			Address:  settings.MustAddress("r-" + local + "@example.com"), // apart from the site's own
			Devices:  rapid.SampledFrom([]policy.Devices{"", policy.OneDevice, policy.SeveralDevices}).Draw(rt, "devices"),
			Quota:    rapid.SampledFrom([]policy.Bytes{0, 100e6, 500e6, 5e9}).Draw(rt, "quota"),
			Groups:   rapid.SampledFrom([][]string{nil, {"kiosk"}, {"staff", "Kiosk"}}).Draw(rt, "groups"),
			Protocol: rapid.SampledFrom([]settings.Protocol{"", settings.IMAP, settings.POP3}).Draw(rt, "protocol"),
			Login:    rapid.SampledFrom([]string{"", "login1"}).Draw(rt, "login"),
		}
		if err := w.store.PutAccount(t.Context(), a); err != nil {
			rt.Fatal(err)
		}
		if err := w.directory.Refresh(t.Context()); err != nil {
			rt.Fatal(err)
		}
		want := string(terms.Decide(a).Protocol)
		domain := rapid.SampledFrom([]string{"example.com", "example.net"}).Draw(rt, "domain")
		for way, got := range w.protocols(rt, a.Address.WithDomain(domain)) {
			if got != want {
				rt.Errorf("%s says %q, the policy %q for %+v", way, got, want, a)
			}
		}
	})
}

// Neither a rule's pattern that happens to match Evolution's stand-in, nor a
// login that is the default's, makes a difference.
func TestNobodyIsTakenForEvolutionsStandIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := testSite(t)
	rules := &site.Plans[0].Policy.Rules
	*rules = append(*rules, policy.Rule{Name: "all with an e", Match: policy.Match{Address: "e*"}, Protocol: settings.POP3})
	site.Accounts = append(site.Accounts, policy.Account{Address: settings.MustAddress("defown@example.com"), Login: "Defown@example.com"})
	if err := w.store.Replace(t.Context(), site.Normalize()); err != nil {
		t.Fatal(err)
	}
	if err := w.directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	digest := text(w.ask(t, http.MethodGet, "http://example.com/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%40example.com&emailmd5="+md5Hex("bob@example.com"), ""))
	if !strings.Contains(digest, `type="imap"`) {
		t.Errorf("bob, who isn't known, gets\n%s", digest)
	}
	own, none := w.answers("DEFOWN@example.com"), w.answers("DEFOWX@example.com")
	for i := range own {
		got := identifiers.ReplaceAllString(own[i], "*")
		want := strings.NewReplacer("DEFOWX", "DEFOWN", "defowx", "defown").Replace(identifiers.ReplaceAllString(none[i], "*"))
		if got != want {
			t.Errorf("an account whose login is the default's can be told from none:\n%s\n%s", got, want)
		}
	}
}

// answers are everything that anybody may ask about an address: bodies and headers.
func (w *world) answers(typed string) []string {
	escaped := url.QueryEscape(typed)
	pox := poxRequest(mail(string(settings.EscapeXML(nil, typed))), outlookSchema)
	var all []string
	for _, request := range [][3]string{
		{http.MethodGet, "http://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=" + escaped, ""},
		{http.MethodHead, "http://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=" + escaped, ""},
		{http.MethodGet, "http://example.com/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=" + escaped, ""},
		{http.MethodGet, "http://example.com/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%40example.com&emailmd5=" + md5Hex(strings.ToLower(typed)), ""},
		{http.MethodPost, poxURL, pox},
		{http.MethodGet, poxURL + "?email=" + escaped, ""},
		{http.MethodGet, "http://x/autodiscover/autodiscover.json?Email=" + escaped + "&Protocol=AutodiscoverV1", ""},
		{http.MethodGet, "http://x/email.mobileconfig?email=" + escaped, ""},
		{http.MethodPost, "http://x/", "device=android&address=" + escaped},
	} {
		r := do(w.server.Public(false), request[0], request[1], request[2], "Content-Type", "application/x-www-form-urlencoded")
		all = append(all, fmt.Sprintf("%s %v\n%s", r.Status, r.Header, text(r)))
	}
	return all
}

// twins are two worlds with one site. Only in the first are the accounts there that
// have nothing of their own.
func twins(t testing.TB) (with, without *world) {
	t.Helper()
	with, without = newWorld(t), newWorld(t)
	site, err := with.store.Site(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	site.Accounts = slices.DeleteFunc(site.Accounts, func(a policy.Account) bool { return a.Address.Local() == "nothing" })
	if err := without.store.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	return with, without
}

// An account with nothing of its own can't be told from one that isn't there:
// the same requests give the same bytes whether or not it is in the store.
func TestAnAccountWithNothingOfItsOwnCannotBeToldFromNone(t *testing.T) {
	t.Parallel()
	with, without := twins(t)
	for _, typed := range []string{
		"nothing@example.com", "Nothing@Example.com", "nothing+tag@example.com", "NOTHING@example.net", "nothing+x@example.net",
		`"NOTHING"@example.com`, `"N\othing"@example.com`, `"Nothing+tag"@example.net`, `"Nothing+a tag"@example.net`,
	} {
		a, b := with.answers(typed), without.answers(typed)
		for i := range a {
			if a[i] != b[i] {
				t.Errorf("%s, request %d:\nknown:   %s\nunknown: %s", typed, i, a[i], b[i])
			}
		}
	}
}

// What anybody may ask never carries a name, a quota, a group, a device, a rule
// or a reason.
func TestPublicAnswersCarryNothingOfThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, typed := range []string{"boss@example.com", "workshop@example.com", "kiosk@example.com", "nothing@example.com", "kiosk@quiet.example"} {
		for _, answer := range w.answers(typed) {
			for _, secret := range []string{"The Boss", "Workshop", "Lobby", "Nothing Of", "200MB", "staff", "several", "small mailbox", "kiosk machines", "reason", "rule"} {
				if strings.Contains(answer, secret) {
					t.Errorf("%s: the answer has %q:\n%s", typed, secret, answer)
				}
			}
		}
	}
}

// No byte of Host or of a forwarded header comes back.
func TestNothingOfTheHostComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		mark := "zq" + rapid.StringMatching(`[a-z]{6}`).Draw(rt, "mark")
		host := rapid.SampledFrom([]string{mark + ".example", mark, "autoconfig." + mark + ".example.com", mark + ":80"}).Draw(rt, "host")
		target := rapid.SampledFrom([]string{
			"/mail/config-v1.1.xml", "/mail/config-v1.1.xml?emailaddress=office@example.com", "/email.mobileconfig?email=office@example.com",
			"/autodiscover/autodiscover.json?Email=office@example.com&Protocol=AutodiscoverV1", "/autodiscover/autodiscover.xml",
			"/.well-known/caldav", "/v1.1/example.com", "/",
		}).Draw(rt, "target")
		for _, plain := range []bool{false, true} {
			r := do(w.server.Public(plain), http.MethodGet, "http://"+host+target, "",
				"X-Forwarded-Host", mark, "Forwarded", "host="+mark, "X-Forwarded-Proto", mark, "X-Original-URL", "/"+mark, "Referer", mark, "Origin", "https://"+mark)
			if all := fmt.Sprintf("%v\n%s", r.Header, text(r)); strings.Contains(strings.ToLower(all), mark) {
				rt.Fatalf("%s %s: %s", host, target, all)
			}
		}
	})
}

// Whatever is asked, there is an answer, and the same one whether or not an account
// is there that has nothing of its own.
func FuzzPublicRequest(f *testing.F) {
	with, without := twins(f)
	known, unknown := with.server.Public(false), without.server.Public(false)
	f.Add("autoconfig.example.com", "mail/config-v1.1.xml", "emailaddress=office@example.com", "")
	f.Add("example.com", "autodiscover/autodiscover.xml", "", poxRequest(mail("a&b@example.com"), outlookSchema))
	f.Add("x", "autodiscover/autodiscover.json/v1.0/a@example.com", "Protocol=autodiscoverv1", "")
	f.Add("x", "email.mobileconfig", "email=\"a b\"@example.com", "")
	f.Add("x", "mail/config-v1.1.xml", "emailaddress=nothing@example.com", "")
	f.Add("x", "mail/config-v1.1.xml", "emailaddress=\"NOTHING\"@example.com", "")
	f.Add("x", "email.mobileconfig", "email=\"N\\othing+tag\"@EXAMPLE.net", "")
	f.Add("example.com", "autodiscover/autodiscover.xml", "", poxRequest(mail("Nothing+a@example.net"), outlookSchema))
	f.Add("x", "mail/config-v1.1.xml", "emailaddress=EVOLUTIONUSER@example.com&emailmd5="+md5Hex("nothing@example.com"), "")
	f.Add("x", "", "", "address=Nothing%40example.com")
	f.Fuzz(func(t *testing.T, host, path, query, body string) {
		ask := func(h http.Handler) *http.Response {
			method := http.MethodGet
			if body != "" {
				method = http.MethodPost
			}
			r, err := http.NewRequestWithContext(t.Context(), method, "http://placeholder/", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr = "/"+path, query, host, "192.0.2.1:1"
			if path == "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			return record(h, r)
		}
		response, other := ask(known), ask(unknown)
		switch response.StatusCode {
		case http.StatusOK, http.StatusMovedPermanently, http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed,
			http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		default:
			t.Fatalf("%s", response.Status)
		}
		a := fmt.Sprintf("%s %v\n%s", response.Status, response.Header, text(response))
		if b := fmt.Sprintf("%s %v\n%s", other.Status, other.Header, text(other)); a != b {
			t.Fatalf("with an account that has nothing of its own:\n%s\nwithout:\n%s", a, b)
		}
	})
}
