package autodiscover

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"autoconfig/internal/testkit"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
)

var update = flag.Bool("update", false, "write what the tests compare with")

func server(host string, port int, security settings.Security, auth ...settings.Auth) settings.Server {
	if len(auth) == 0 {
		auth = []settings.Auth{settings.AuthPlain}
	}
	return settings.Server{Host: host, Port: port, Security: security, Auth: auth}
}

// office is what the demo site's office@example.com gets.
func office() settings.Settings {
	login := settings.Login{Literal: "office@example.com", Pattern: "{address}"}
	return settings.Settings{
		SiteID: "site", Domain: "example.com",
		Typed: settings.MustAddress("office@example.com"), Mailbox: settings.MustAddress("office@example.com"),
		DisplayName: "Front Office",
		Provider:    settings.Provider{ID: "example", Name: "Example Mail"},
		Decision:    settings.Decision{Protocol: settings.IMAP},
		Incoming:    server("imap.example.com", 993, settings.TLS), Outgoing: server("smtp.example.com", 465, settings.TLS),
		IncomingLogin: login, OutgoingLogin: login,
	}
}

// Each golden is one rule of what Outlook and the others make of a reply.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings.Settings){
		"imap": func(*settings.Settings) {},
		"pop3": func(s *settings.Settings) {
			s.Decision = settings.Decision{Protocol: settings.POP3, POP3: settings.Retention{Leave: true, Days: 9}} // which the format can't say
			s.Incoming = server("pop.example.com", 995, settings.TLS)
		},
		"starttls": func(s *settings.Settings) {
			s.Incoming = server("imap.example.com", 143, settings.STARTTLS)
			s.Outgoing = server("smtp.example.com", 587, settings.STARTTLS)
		},
		"other-port": func(s *settings.Settings) { s.Incoming.Port = 10993 },
		"login": func(s *settings.Settings) {
			s.IncomingLogin, s.OutgoingLogin = settings.Login{Literal: "00123"}, settings.Login{Literal: `EXAMPLE\o&o`}
		},
		"submission-by-network": func(s *settings.Settings) { s.Outgoing.Auth = []settings.Auth{settings.AuthClientIP} },
		"other-mechanism": func(s *settings.Settings) {
			s.Incoming.Auth = []settings.Auth{settings.AuthGSSAPI, settings.AuthCramMD5}
		},
		"escaped": func(s *settings.Settings) { s.Typed = settings.MustAddress(`o'neil&b@example.com`) },
		"default": func(s *settings.Settings) {
			s.Typed, s.Mailbox, s.DisplayName = settings.Address{}, settings.Address{}, ""
			s.IncomingLogin.Literal, s.OutgoingLogin.Literal = "", ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := office()
			change(&s)
			got, err := Render(s)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".xml", got)
			check(t, s, got)
		})
	}
}

// golden compares with testdata/outlook and has libxml2 read it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata/outlook", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(got) != string(want) {
		t.Errorf("%s: %v, got\n%s", file, err, got)
	}
	if strings.HasSuffix(name, ".xml") {
		testkit.Need(t, "xmllint")
		if out, err := exec.Command("xmllint", "--noout", "--nonet", file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// reply is what a reader that knows nothing of ours sees.
type reply struct {
	XMLName  xml.Name `xml:"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006 Autodiscover"`
	Response struct {
		XMLName     xml.Name
		DisplayName string `xml:"User>DisplayName"`
		Account     []struct {
			AccountType, Action string
			Protocol            []struct {
				Type, Server, LoginName       string
				Port                          int
				DomainRequired, SPA           string
				SSL, Encryption, AuthRequired string
				UsePOPAuth, SMTPLast          string
				Unknown                       []struct{ XMLName xml.Name } `xml:",any"`
			}
		}
		Error []struct{ ErrorCode int }
	}
}

type errorfer interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// check reads a reply back with encoding/xml and with our own reader, and holds it
// against the rules of docs/protocols.md, "Request and answer".
func check(t errorfer, s settings.Settings, text []byte) {
	t.Helper()
	var r reply
	if err := xml.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if r.Response.XMLName.Space != OutlookSchema || strings.Contains(string(text), "https://schemas") {
		t.Errorf("namespace %q", r.Response.XMLName.Space)
	}
	// DisplayName is the address, whoever asks.
	if want := s.Typed.String(); !s.Typed.IsZero() && r.Response.DisplayName != want || len(r.Response.Account) != 1 || len(r.Response.Error) > 0 {
		t.Fatalf("display name %q, %d accounts\n%s", r.Response.DisplayName, len(r.Response.Account), text)
	}
	account := r.Response.Account[0]
	if account.AccountType != "email" || account.Action != "settings" || len(account.Protocol) != 2 {
		t.Fatalf("%+v", account)
	}
	wantType := map[settings.Protocol]string{settings.IMAP: "IMAP", settings.POP3: "POP3"}[s.Decision.Protocol]
	in, out := account.Protocol[0], account.Protocol[1]
	if in.Type != wantType || out.Type != "SMTP" || in.UsePOPAuth != "" || out.UsePOPAuth != "off" || out.SMTPLast != "off" || in.AuthRequired != "on" {
		t.Errorf("types %+v %+v", in, out)
	}
	for i, side := range []struct {
		server settings.Server
		login  settings.Login
	}{{s.Incoming, s.IncomingLogin}, {s.Outgoing, s.OutgoingLogin}} {
		p := account.Protocol[i]
		if p.Server != side.server.Host || p.Port != side.server.Port || p.SPA != "off" || p.DomainRequired != "off" || len(p.Unknown) > 0 {
			t.Errorf("server %+v", p)
		}
		if want := map[settings.Security]string{settings.TLS: "SSL", settings.STARTTLS: "TLS"}[side.server.Security]; p.SSL != "on" || p.Encryption != want {
			t.Errorf("%s: SSL %q Encryption %q", side.server.Security, p.SSL, p.Encryption)
		}
		if login := side.login.Literal; p.AuthRequired == "on" && p.LoginName != strings.TrimSpace(login) && p.LoginName != login {
			t.Errorf("login %q, want %q", p.LoginName, login)
		}
	}
	back, err := ParseResponse(text)
	if err != nil || len(back.Protocols) != 2 || len(back.Protocols[0].Unknown) > 0 || back.Protocols[0].Server != in.Server || back.DisplayName != r.Response.DisplayName {
		t.Errorf("our own reader: %v %+v", err, back)
	}
}

// Every legal site's reply keeps to the rules, is the same bytes each time, and a
// form filled for another address is what Render gives for it.
func TestEveryLegalSiteRendersRightly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		terms, _ := site.Terms("example.com")
		local := rapid.SampledFrom([]string{"office", "a&b", "00123", "o'neil", `"a b"`, "jörg", "x+tag"})
		asked := settings.MustAddress(local.Draw(t, "asked") + "@example.com")
		one := terms.PublicSettings(asked, terms.Unknown(asked))
		text, err := Render(one)
		if err != nil {
			if refused := expressible(one); !errors.Is(err, refused) || refused == nil {
				t.Fatalf("%v", err)
			}
			return
		}
		check(t, one, text)
		again, _ := Render(one)
		form, err := Compile(one)
		if err != nil {
			t.Fatal(err)
		}
		typed := settings.MustAddress(local.Draw(t, "other") + "@example.com")
		other := terms.PublicSettings(typed, terms.Unknown(typed))
		if filled := form.Fill(&one, settings.EscapeXML); string(again) != string(text) || string(filled) != string(text) {
			t.Errorf("not the same:\n%s\n%s\n%s", text, again, filled)
		}
		if other.Incoming.Host == one.Incoming.Host && other.Decision.Protocol == one.Decision.Protocol {
			want, err := Render(other)
			if got := form.Fill(&other, settings.EscapeXML); err != nil || string(got) != string(want) {
				t.Errorf("filled for another address (%v):\n%s\n%s", err, got, want)
			}
		}
	})
}

func TestWhatOutlookCannotBeToldIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		want   error
		warns  string
	}{
		"plaintext incoming": {func(s *settings.Settings) { s.Incoming.Security = settings.None }, ErrPlaintext, "error 501"},
		"plaintext outgoing": {func(s *settings.Settings) { s.Outgoing.Security = settings.None }, ErrPlaintext, "error 501"},
		"OAuth2 only":        {func(s *settings.Settings) { s.Incoming.Auth = []settings.Auth{settings.AuthXOAuth2} }, ErrAuth, "error 501"},
		"default with a pattern": {func(s *settings.Settings) {
			s.Typed, s.IncomingLogin = settings.Address{}, settings.Login{Pattern: "{local}"}
		}, ErrNoLogin, ""},
		"STARTTLS":               {func(s *settings.Settings) { s.Outgoing = server("smtp.example.com", 587, settings.STARTTLS) }, nil, "must guess it for smtp.example.com:587"},
		"STARTTLS at a far port": {func(s *settings.Settings) { s.Incoming = server("imap.example.com", 1143, settings.STARTTLS) }, nil, "port 1143 of imap.example.com: Thunderbird takes it for implicit TLS"},
		"what it can be told":    {func(*settings.Settings) {}, nil, ""},
	} {
		s := office()
		c.change(&s)
		if _, err := Render(s); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		var texts []string
		for _, w := range Check(s) {
			texts = append(texts, w.Text)
		}
		if got := strings.Join(texts, "\n"); (c.warns == "") != (got == "") || !strings.Contains(got, c.warns) {
			t.Errorf("%s: warned %q, want %q", name, got, c.warns)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 80_000_000, time.FixedZone("", 3600))
	for _, code := range []ErrorCode{AddressNotFound, NoConfiguration, Malformed, SchemaUnavailable} {
		got := RenderError(code, at)
		golden(t, "error-"+code.String()+".xml", got)
		back, err := ParseResponse(got)
		if err != nil || back.Error == nil || back.Error.Code != code || back.Error.Message == "" || back.ResponseNamespace != back.RootNamespace {
			t.Errorf("%v: %v %+v", code, err, back)
		}
		var r reply
		if err := xml.Unmarshal(got, &r); err != nil || len(r.Response.Error) != 1 || strconv.Itoa(r.Response.Error[0].ErrorCode) != code.String() {
			t.Errorf("%v: %v %+v", code, err, r)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"AutodiscoverV1": true, "Autodiscoverv1": true, "autodiscoverv1": true, "ActiveSync": false, "EWS": false, "": false} {
		if IsProtocolV1(name) != want {
			t.Errorf("IsProtocolV1(%q)", name)
		}
	}
	golden(t, "v2.json", RenderJSON("https://autodiscover.example.com/autodiscover/autodiscover.xml"))
	for code, want := range map[JSONError]string{
		JSONMissingAddress: "MandatoryParameterMissing", JSONBadAddress: "InvalidEmailAddress", JSONUnknownUser: "UserNotFound",
		JSONMissingProtocol: "MandatoryParameterMissing", JSONInvalidProtocol: "InvalidProtocol",
	} {
		var e struct{ ErrorCode, ErrorMessage string }
		if err := json.Unmarshal(RenderJSONError(code), &e); err != nil || e.ErrorCode != want || e.ErrorMessage == "" {
			t.Errorf("%v: %v %+v", code, err, e)
		}
	}
}

func TestParseResponseRefuses(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("testdata/outlook/imap.xml")
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"empty":       "",
		"HTML":        "<!doctype html><html></html>",
		"request":     request("<EMailAddress>a@b</EMailAddress>"),
		"DOCTYPE":     "<!DOCTYPE a>" + string(good),
		"two roots":   string(good) + "<a/>",
		"bare &":      strings.ReplaceAll(string(good), "office", "a&b"),
		"no account":  "<Autodiscover><Response/></Autodiscover>",
		"no protocol": "<Autodiscover><Response><Account/></Response></Autodiscover>",
		"no code":     "<Autodiscover><Response><Error/></Response></Autodiscover>",
		"too large":   strings.Repeat(" ", MaxResponse+1),
	} {
		if r, err := ParseResponse([]byte(body)); !errors.Is(err, ErrResponse) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	redirect := `<Autodiscover><Response><Account><Action>redirectUrl</Action><RedirectUrl>https://x.example/</RedirectUrl></Account></Response></Autodiscover>`
	if r, err := ParseResponse([]byte(redirect)); err != nil || r.RedirectURL != "https://x.example/" || r.Action != "redirectUrl" {
		t.Errorf("a redirect: %+v %v", r, err)
	}
	foreign := `<Autodiscover><Response><Account><Protocol><Type>IMAP</Type><Foo/></Protocol></Account></Response></Autodiscover>`
	if r, err := ParseResponse([]byte(foreign)); err != nil || len(r.Protocols[0].Unknown) != 1 {
		t.Errorf("a foreign element: %+v %v", r, err)
	}
}

// A reply that is read is one that encoding/xml reads too.
func FuzzParseResponse(f *testing.F) {
	files, err := filepath.Glob("testdata/outlook/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseResponse(body)
		if err != nil {
			if !errors.Is(err, ErrResponse) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if r.Error == nil && len(r.Protocols) == 0 && r.RedirectAddr == "" && r.RedirectURL == "" {
			t.Fatalf("nothing in %+v", r)
		}
		var seen struct{ XMLName xml.Name }
		d := xml.NewDecoder(bytes.NewReader(body))
		// Like etree: whatever is declared, what isn't UTF-8 isn't read.
		d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
		if err := d.Decode(&seen); err != nil || seen.XMLName.Local != "Autodiscover" {
			t.Fatalf("encoding/xml: %v %v", err, seen)
		}
	})
}
