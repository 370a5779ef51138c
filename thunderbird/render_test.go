package thunderbird

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"autoconfig/policy/policytest"
	"autoconfig/settings"
)

var update = flag.Bool("update", false, "write what the tests compare with")

func tls(host string, port int) settings.Server {
	return settings.Server{Host: host, Port: port, Security: settings.TLS, Auth: []settings.Auth{settings.AuthPlain}}
}

// office is what the demo site's office@example.com gets.
func office() settings.Settings {
	login := settings.Login{Literal: "office@example.com", Pattern: "{address}"}
	return settings.Settings{
		SiteID: "site", Domain: "example.com",
		Typed: settings.MustAddress("office@example.com"), Mailbox: settings.MustAddress("office@example.com"),
		Provider: settings.Provider{ID: "example", Name: "Example Mail", ShortName: "Example", HelpURL: "https://help.example.com/mail?a=1&b=2"},
		Decision: settings.Decision{Protocol: settings.IMAP},
		Incoming: tls("imap.example.com", 993), Outgoing: tls("smtp.example.com", 465),
		IncomingLogin: login, OutgoingLogin: login, ServiceLogin: login,
	}
}

func pop3(s *settings.Settings, r settings.Retention) {
	s.Decision.Protocol, s.Decision.POP3 = settings.POP3, r
	s.Incoming = tls("pop.example.com", 995)
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings.Settings){
		"imap":         func(*settings.Settings) {},
		"pop3":         func(s *settings.Settings) { pop3(s, settings.Retention{Leave: true, Days: 9}) },
		"pop3-forever": func(s *settings.Settings) { pop3(s, settings.Retention{Leave: true}) },
		"pop3-deletes": func(s *settings.Settings) { pop3(s, settings.Retention{}) },
		"default": func(s *settings.Settings) {
			s.Typed, s.Mailbox = settings.Address{}, settings.Address{}
			s.IncomingLogin, s.OutgoingLogin = settings.Login{Pattern: "{local}@example.com"}, settings.Login{Pattern: "{local}@example.com"}
			s.ServiceLogin = s.IncomingLogin
			s.Domain = "example.net"
		},
		"local": func(s *settings.Settings) {
			s.IncomingLogin = settings.Login{Literal: "00123", Pattern: "{local}"}
			s.OutgoingLogin = s.IncomingLogin
		},
		"literal": func(s *settings.Settings) {
			s.IncomingLogin = settings.Login{Literal: "a&b<c>@example.com"}
		},
		"starttls": func(s *settings.Settings) {
			s.Incoming.Security, s.Incoming.Port = settings.STARTTLS, 143
			s.Outgoing.Security, s.Outgoing.Port = settings.STARTTLS, 587
			s.Incoming.Auth = []settings.Auth{settings.AuthScramSHA256, settings.AuthCramMD5, settings.AuthPlain, settings.AuthLogin}
			s.Outgoing.Auth = []settings.Auth{settings.AuthClientIP}
		},
		"services": services,
		"services-pop3": func(s *settings.Settings) {
			services(s)
			pop3(s, settings.Retention{Leave: true, Days: 14}) // no JMAP beside POP3
		},
		"mangled-name": func(s *settings.Settings) { s.Provider.Name, s.Provider.ShortName = "007", "True" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := office()
			change(&s)
			got, err := Render(s)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata/thunderbird", name+".xml")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || string(got) != string(want) {
				t.Errorf("%s: %v, got\n%s", file, err, got)
			}
			check(t, s, got)
		})
	}
}

func services(s *settings.Settings) {
	sieve := settings.Server{Host: "imap.example.com", Port: 4190, Security: settings.STARTTLS, Auth: []settings.Auth{settings.AuthPlain}}
	s.Services = settings.Services{
		CalDAV: "https://dav.example.com/", CardDAV: "https://dav.example.com/contacts/", WebDAV: "https://files.example.com/",
		JMAP: "https://jmap.example.com/session", Webmail: "https://mail.example.com/", ManageSieve: &sieve,
		OAuth2: &settings.OAuth2{Issuer: "https://login.example.com", AuthURL: "https://login.example.com/a", TokenURL: "https://login.example.com/t", Scope: "mail", ClientID: "id"},
	}
}

// document is what a reader that knows nothing of ours sees.
type document struct {
	XMLName  xml.Name `xml:"clientConfig"`
	Provider struct {
		ID       string   `xml:"id,attr"`
		Domain   []string `xml:"domain"`
		Name     string   `xml:"displayName"`
		Incoming []entry  `xml:"incomingServer"`
		Outgoing []entry  `xml:"outgoingServer"`
	} `xml:"emailProvider"`
	Unknown []struct{ XMLName xml.Name } `xml:",any"`
}

type entry struct {
	Attrs []xml.Attr `xml:",any,attr"`
	Host  string     `xml:"hostname"`
	Port  int        `xml:"port"`
	Sock  string     `xml:"socketType"`
	Auth  []string   `xml:"authentication"`
	User  string     `xml:"username"`
	Leave string     `xml:"pop3>leaveMessagesOnServer"`
	Days  int        `xml:"pop3>daysToLeaveMessagesOnServer"`
}

// check reads a document back with encoding/xml and holds it against the rules of
// every client at once.
func check(t fataler, s settings.Settings, text []byte) {
	t.Helper()
	var d document
	if err := xml.Unmarshal(text, &d); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p := d.Provider
	if p.ID != s.Domain || len(p.Domain) != 1 || p.Domain[0] != s.Domain || p.Name == "" || Mangles(p.Name) {
		t.Errorf("provider %+v", p)
	}
	var mail []entry
	for i, in := range p.Incoming {
		if len(in.Attrs) != 1 || in.Attrs[0].Name.Local != "type" {
			t.Errorf("attributes %v", in.Attrs) // Evolution drops the document
		}
		if kind := in.Attrs[0].Value; kind == string(settings.IMAP) || kind == string(settings.POP3) {
			mail = append(mail, in)
			if i != 0 {
				t.Errorf("%s is not the first", kind) // FairEmail reads no other
			}
		} else if kind != "jmap" || s.Decision.Protocol != settings.IMAP {
			t.Errorf("type %s with %s", kind, s.Decision.Protocol)
		}
	}
	if len(mail) != 1 || len(p.Outgoing) != 1 {
		t.Fatalf("%d incoming and %d outgoing servers\n%s", len(mail), len(p.Outgoing), text)
	}
	in, out := mail[0], p.Outgoing[0]
	if in.Attrs[0].Value != string(s.Decision.Protocol) || in.Host != s.Incoming.Host || in.Port != s.Incoming.Port || out.Host != s.Outgoing.Host || out.Port != s.Outgoing.Port {
		t.Errorf("servers %+v %+v", in, out)
	}
	for _, e := range []entry{in, out} {
		if e.Sock != "SSL" && e.Sock != "STARTTLS" && e.Sock != "plain" || len(e.Auth) == 0 || strings.TrimSpace(e.User) != e.User || Mangles(e.User) && e.User != "" {
			t.Errorf("server %+v", e)
		}
	}
	if s.Decision.Protocol == settings.POP3 {
		days := s.Decision.POP3.Days
		if s.Decision.POP3.Leave && days == 0 {
			days = settings.MaxDays
		}
		if in.Leave != map[bool]string{true: "true", false: "false"}[s.Decision.POP3.Leave] || in.Days != days {
			t.Errorf("leave %q days %d", in.Leave, in.Days)
		}
	}
	back, err := Parse(text)
	if err != nil || len(back.Unknown) > 0 {
		t.Errorf("our own reader: %v %v", err, back)
	}
}

type fataler interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// Every legal site gives documents that are well-formed, keep to the rules, and
// are the same bytes each time; a form filled for another address is what Render
// gives for it.
func TestEveryLegalSiteRendersRightly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		terms, _ := site.Terms(rapid.SampledFrom([]string{"example.com", "example.net"}).Draw(t, "domain"))
		account := func(label string) (settings.Settings, bool) {
			local := rapid.SampledFrom([]string{"office", "a&b", "00123", "true", "o'neil", `"a b"`, "jörg", "x+tag", "EVOLUTIONUSER"}).Draw(t, label)
			typed := settings.MustAddress(local + "@example.com")
			a := terms.Unknown(typed)
			if len(site.Accounts) > 0 && rapid.Bool().Draw(t, label+" known") {
				a = rapid.SampledFrom(site.Accounts).Draw(t, label+" account")
			}
			s, err := Resolve(terms.Settings(typed, a))
			return s, err == nil
		}
		s, ok := account("first")
		if !ok {
			return
		}
		text, err := Render(s)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Render(s)
		if string(text) != string(again) {
			t.Fatal("not the same bytes")
		}
		check(t, s, text)

		other, ok := account("second")
		if !ok || shape(s) != shape(other) {
			return
		}
		form, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := Render(other)
		if got := form.Fill(&other, settings.EscapeXML); string(got) != string(want) {
			t.Fatalf("form:\n%s\nrender:\n%s", got, want)
		}
	})
}

func shape(s settings.Settings) [5]any {
	return [5]any{s.Decision.Protocol, s.Decision.POP3, s.Decision.Rule, s.IncomingLogin.Pattern, s.OutgoingLogin.Pattern}
}

func TestDefaultsOfLegalSitesRenderToo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		terms, _ := site.Terms("example.com")
		for _, asked := range []string{"example.com", "example.net"} {
			s := terms.DefaultSettings(asked)
			text, err := Render(s)
			if err != nil {
				t.Fatal(err)
			}
			check(t, s, text)
			if !strings.Contains(string(text), "%EMAIL") {
				t.Fatalf("a default without placeholder:\n%s", text)
			}
		}
	})
}

func TestCheckWarnsOfWhatIsNotCarried(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		want   int
	}{
		"nothing":          {func(*settings.Settings) {}, 0},
		"numeric login":    {func(s *settings.Settings) { s.IncomingLogin = settings.Login{Literal: "00123"} }, 1},
		"OAuth2 only":      {func(s *settings.Settings) { s.Incoming.Auth = []settings.Auth{settings.AuthXOAuth2} }, 1},
		"certificate only": {func(s *settings.Settings) { s.Outgoing.Auth = []settings.Auth{settings.AuthExternal} }, 1},
		"OAuth2 and PLAIN": {func(s *settings.Settings) {
			s.Incoming.Auth = []settings.Auth{settings.AuthXOAuth2, settings.AuthPlain}
		}, 0},
	} {
		s := office()
		c.change(&s)
		if got := Check(s); len(got) != c.want || len(got.Errors()) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
