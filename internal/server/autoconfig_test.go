package server_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autoconfig/thunderbird"
)

const autoconfigURL = "http://autoconfig.example.com/mail/config-v1.1.xml"

// config asks for an autoconfig document and reads it back with our reader.
func (w *world) config(t *testing.T, target string) *thunderbird.Config {
	t.Helper()
	r := w.ask(t, http.MethodGet, target, "")
	body := text(r)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Fatalf("%s: %s %q\n%s", target, r.Status, r.Header.Get("Content-Type"), body)
	}
	c, err := thunderbird.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v\n%s", target, err, body)
	}
	return c
}

// gist is what a client makes of an answer: protocol, host and login.
func gist(t *testing.T, c *thunderbird.Config) string {
	t.Helper()
	var words []string
	for _, s := range c.Incoming {
		if s.Type == "imap" || s.Type == "pop3" {
			words = append(words, fmt.Sprintf("%s %s %s", s.Type, s.Hostname, s.Username))
		}
	}
	if len(c.Outgoing) != 1 {
		t.Errorf("%d outgoing servers", len(c.Outgoing))
	}
	return strings.Join(words, "; ")
}

func TestAutoconfigAnswersTheAddressWhateverTheHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, host := range []string{"autoconfig.example.com", "example.com", "autoconfig.hoster.example", "localhost:8080", "127.0.0.1"} {
		for _, path := range []string{"/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml", "/Mail/Config-V1.1.xml", "//mail/config-v1.1.xml"} {
			c := w.config(t, "http://"+host+path+"?emailaddress=workshop%40example.com")
			if got := gist(t, c); got != "pop3 pop.example.com %EMAILADDRESS%" {
				t.Errorf("%s%s: %s", host, path, got)
			}
		}
	}
}

func TestAutoconfigReadsAddressesAsClientsWriteThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, want := range map[string]string{
		"emailaddress=workshop%40example.com": "pop3 pop.example.com %EMAILADDRESS%",
		// Thunderbird would fill in the address as it was typed; the other formats say this.
		"emailaddress=Workshop@EXAMPLE.com":           "pop3 pop.example.com Workshop@example.com",
		"emailaddress=workshop%2Btag%40example.com":   "pop3 pop.example.com workshop@example.com",
		"emailaddress=workshop+tag@example.com":       "pop3 pop.example.com workshop@example.com", // FairEmail, Nextcloud
		"emailaddress=a%26b%40example.com":            "pop3 pop.example.com %EMAILADDRESS%",
		"emailaddress=a&b@example.com":                "pop3 pop.example.com %EMAILADDRESS%", // FairEmail
		"emailaddress=workshop%40example.net":         "pop3 pop.example.com workshop@example.com",
		"emailaddress=workshop%40typed.test":          "imap imap.example.com %EMAILADDRESS%",
		"EmailAddress=workshop%40example.com":         "pop3 pop.example.com %EMAILADDRESS%",
		"x=1&emailaddress=workshop%40example.com&y=2": "pop3 pop.example.com %EMAILADDRESS%",
		"emailaddress=chef%40example.com":             "", // its login is 00123: not answered
		"emailaddress=%22a+b%22%40example.com":        "imap imap.example.com %EMAILADDRESS%",
		"emailaddress=alice%40m%C3%BCller.example":    "imap imap.example.com alice@xn--mller-kva.example",
		"emailaddress=alice%40xn--mller-kva.example":  "imap imap.example.com %EMAILADDRESS%",
		"emailaddress=kiosk%40quiet.example":          "imap imap.example.com %EMAILADDRESS%",
		"emailaddress=00123%40login.example":          "imap imap.login.example %EMAILLOCALPART%",
	} {
		if want == "" {
			if r := w.ask(t, http.MethodGet, autoconfigURL+"?"+query, ""); r.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s", query, r.Status)
			}
			continue
		}
		if got := gist(t, w.config(t, autoconfigURL+"?"+query)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestAutoconfigWithoutAddressGivesTheHostsDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for host, want := range map[string]string{
		"autoconfig.example.com":      "imap imap.example.com %EMAILADDRESS%",
		"AUTOCONFIG.Example.COM":      "imap imap.example.com %EMAILADDRESS%",
		"autoconfig.example.com:443":  "imap imap.example.com %EMAILADDRESS%",
		"autoconfig.example.com.":     "imap imap.example.com %EMAILADDRESS%",
		"example.com":                 "imap imap.example.com %EMAILADDRESS%",
		"autodiscover.example.com":    "imap imap.example.com %EMAILADDRESS%",
		"autoconfig.example.net":      "imap imap.example.com %EMAILLOCALPART%@example.com",
		"autoconfig.pop.example":      "pop3 pop.pop.example %EMAILADDRESS%",
		"autoconfig.login.example":    "imap imap.login.example %EMAILLOCALPART%",
		"autoconfig.typed.test":       "imap imap.example.com %EMAILADDRESS%",
		"autoconfig.several.example":  "imap best.several.example %EMAILADDRESS%",
		"autoconfig.starttls.example": "imap imap.starttls.example %EMAILADDRESS%",
	} {
		c := w.config(t, "http://"+host+"/mail/config-v1.1.xml")
		if got := gist(t, c); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
		if c.ID != strings.TrimPrefix(c.ID, "autoconfig.") || !strings.Contains(c.ID, ".") {
			t.Errorf("%s: id %q", host, c.ID)
		}
	}
	for _, host := range []string{"autoconfig.other.example", "other.example", "www.example.com", "autoconfig.autoconfig.example.com", "", "[::1]:80", "127.0.0.1", "a b", "example.com/x"} {
		r := w.ask(t, http.MethodGet, "http://"+url.PathEscape(host)+"/mail/config-v1.1.xml", "")
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %s", host, r.Status)
		}
	}
}

func TestProviderDatabaseForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for domain, want := range map[string]string{
		"example.com":    "imap imap.example.com %EMAILADDRESS%",
		"EXAMPLE.net":    "imap imap.example.com %EMAILLOCALPART%@example.com",
		"müller.example": "imap imap.example.com %EMAILADDRESS%",
	} {
		if got := gist(t, w.config(t, "http://autoconfig.hoster.example/v1.1/"+url.PathEscape(domain))); got != want {
			t.Errorf("%s: %s", domain, got)
		}
	}
	if r := w.ask(t, http.MethodGet, "http://x/v1.1/other.example", ""); r.StatusCode != http.StatusNotFound {
		t.Error(r.Status)
	}
}

func md5Hex(s string) string { d := md5.Sum([]byte(s)); return hex.EncodeToString(d[:]) }

func TestEvolutionGetsTheAccountByItsDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(domain, digest string) string {
		return gist(t, w.config(t, autoconfigURL+"?emailaddress=EVOLUTIONUSER%40"+domain+"&emailmd5="+digest))
	}
	for name, c := range map[string]struct{ domain, digest, want string }{
		"its own":            {"example.com", md5Hex("workshop@example.com"), "pop3 pop.example.com EVOLUTIONUSER@example.com"},
		"upper case digest":  {"example.com", strings.ToUpper(md5Hex("workshop@example.com")), "pop3 pop.example.com EVOLUTIONUSER@example.com"},
		"alias domain":       {"example.net", md5Hex("workshop@example.net"), "pop3 pop.example.com EVOLUTIONUSER@example.com"},
		"nobody":             {"example.com", md5Hex("nobody@example.com"), "imap imap.example.com EVOLUTIONUSER@example.com"},
		"another domain's":   {"several.example", md5Hex("workshop@example.com"), "imap best.several.example EVOLUTIONUSER@several.example"},
		"a login of its own": {"example.com", md5Hex("boss@example.com"), "imap imap.example.com 00123"},
		"another address":    {"example.com", md5Hex("chef@example.com"), "imap imap.example.com 00123"},
		"no digest":          {"example.com", "nonsense", "imap imap.example.com EVOLUTIONUSER@example.com"},
		"public default":     {"quiet.example", md5Hex("kiosk@quiet.example"), "imap imap.example.com EVOLUTIONUSER@quiet.example"},
		"local part":         {"login.example", md5Hex("a@login.example"), "imap imap.login.example EVOLUTIONUSER"},
	} {
		if got := ask(c.domain, c.digest); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	// Only the stand-in gives a digest meaning.
	got := gist(t, w.config(t, autoconfigURL+"?emailaddress=office%40example.com&emailmd5="+md5Hex("workshop@example.com")))
	if got != "imap imap.example.com %EMAILADDRESS%" {
		t.Errorf("a digest beside an address: %s", got)
	}
}

func TestAutoconfigSaysHowLongPOP3LeavesMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for local, days := range map[string]string{"workshop": "9", "kiosk": "14"} {
		body := text(w.ask(t, http.MethodGet, autoconfigURL+"?emailaddress="+local+"%40example.com", ""))
		if !strings.Contains(body, "<leaveMessagesOnServer>true</leaveMessagesOnServer>") ||
			!strings.Contains(body, "<daysToLeaveMessagesOnServer>"+days+"</daysToLeaveMessagesOnServer>") {
			t.Errorf("%s: %s", local, body)
		}
	}
}

func TestRefusalsAreNeverAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("a", 10_000)
	for query, want := range map[string]int{
		"emailaddress=a%40other.example":                 http.StatusNotFound,
		"emailaddress=":                                  http.StatusBadRequest,
		"emailaddress=office":                            http.StatusBadRequest,
		"emailaddress=a%40b%40example.com":               http.StatusBadRequest,
		"emailaddress=a%00b%40example.com":               http.StatusBadRequest,
		"emailaddress=a%0d%0ab%40example.com":            http.StatusBadRequest,
		"emailaddress=%FF%40example.com":                 http.StatusBadRequest,
		"emailaddress=" + long + "%40example.com":        http.StatusBadRequest,
		"emailaddress=a%40" + long:                       http.StatusBadRequest,
		"emailaddress=%3Cscript%3E%40example.com":        http.StatusBadRequest,
		"emailaddress=a%40other.example&emailmd5=123456": http.StatusNotFound,
	} {
		r := w.ask(t, http.MethodGet, autoconfigURL+"?"+query, "")
		body := text(r)
		if r.StatusCode != want || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%.60s: %s %s", query, r.Status, r.Header.Get("Content-Type"))
		}
		// Delta Chat goes on only if its XML reader stumbles (see errors.go).
		if !strings.HasSuffix(body, "</none>\n") || strings.Contains(body, "aaaa") || strings.Contains(body, "script") {
			t.Errorf("%.60s: body %q", query, body)
		}
	}
	for _, path := range []string{"/mail/", "/mail/config-v1.1.xml/x", "/autodiscover/autodiscover.svc", "/wp-login.php"} {
		if r := w.ask(t, http.MethodGet, "http://example.com"+path, ""); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	if r := w.ask(t, http.MethodPost, autoconfigURL, ""); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", r.Status)
	}
}

func TestPlaintextIsSaidWhereAFormatCanSayIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := text(w.ask(t, http.MethodGet, "http://autoconfig.plain.example/mail/config-v1.1.xml", ""))
	if !strings.Contains(body, "<socketType>plain</socketType>") {
		t.Error(body)
	}
	if r := w.ask(t, http.MethodGet, "http://x/email.mobileconfig?email=a@plain.example", ""); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("profile: %s", r.Status)
	}
	if r := w.ask(t, http.MethodGet, "http://x/email.mobileconfig?email=a@oauth.example", ""); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("profile with OAuth2 only: %s", r.Status)
	}
}
