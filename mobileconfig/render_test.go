package mobileconfig

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"howett.net/plist"
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
		SiteID: "ygkpf2cq5xsrzrjlxbn3gmzuka", Domain: "example.com",
		Typed: settings.MustAddress("office@example.com"), Mailbox: settings.MustAddress("office@example.com"),
		Provider: settings.Provider{ID: "example", Name: "Example Mail"},
		Decision: settings.Decision{Protocol: settings.IMAP},
		Incoming: server("imap.example.com", 993, settings.TLS), Outgoing: server("smtp.example.com", 465, settings.TLS),
		IncomingLogin: login, OutgoingLogin: login, ServiceLogin: login,
	}
}

// The cases are what an iPhone or a Mac is to get (testdata/apple).
var cases = map[string]func(*settings.Settings){
	"imap": func(*settings.Settings) {},
	"pop3": func(s *settings.Settings) {
		s.Decision = settings.Decision{Protocol: settings.POP3, POP3: settings.Retention{Leave: true, Days: 9}} // which it can't say
		s.Incoming = server("pop.example.com", 995, settings.TLS)
	},
	"services": func(s *settings.Settings) {
		s.Services = settings.Services{CalDAV: "https://dav.example.com/", CardDAV: "https://dav.example.com:8443/contacts/"}
	},
	"starttls": func(s *settings.Settings) {
		s.Incoming = server("imap.example.com", 143, settings.STARTTLS)
		s.Outgoing = server("smtp.example.com", 587, settings.STARTTLS)
	},
	"behind-a-link": func(s *settings.Settings) { s.DisplayName = "Müller & Söhne <Office>" },
	"expires": func(s *settings.Settings) {
		s.Profile = settings.Profile{Expires: time.Date(2027, 6, 30, 12, 0, 0, 0, time.FixedZone("", 7200)), Consent: map[string]string{"default": "Line one\nline two", "de": "Zustimmung"}}
	},
	"mechanisms": func(s *settings.Settings) {
		s.Incoming.Auth = []settings.Auth{settings.AuthOAuthBearer, settings.AuthCramMD5, settings.AuthPlain}
		s.Outgoing.Auth = []settings.Auth{settings.AuthClientIP}
	},
	"login": func(s *settings.Settings) {
		s.IncomingLogin, s.OutgoingLogin = settings.Login{Literal: "00123"}, settings.Login{Literal: " o&o "}
	},
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := office()
			change(&s)
			got, err := Render(s)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata/apple", name+".mobileconfig")
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

// node is a value of a property list with the name of its element.
type node struct {
	kind string
	text string
	keys []string
	dict map[string]node
	list []node
}

// readPlist is a reader of our own for tests, which keeps integer, real, string
// and boolean apart; a library's reader converts between them.
func readPlist(text []byte) (node, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			return node{}, err
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local != "plist" {
			return readNode(d, e)
		}
	}
}

func readNode(d *xml.Decoder, start xml.StartElement) (node, error) {
	n := node{kind: start.Name.Local, dict: map[string]node{}}
	if n.kind == "true" || n.kind == "false" {
		n.kind, n.text = "boolean", n.kind
	}
	if n.kind == "dict" {
		n.kind = "dictionary"
	}
	key := ""
	for {
		token, err := d.Token()
		if err != nil {
			return n, err
		}
		switch e := token.(type) {
		case xml.CharData:
			if n.kind != "dictionary" && n.kind != "array" {
				n.text += string(e)
			}
		case xml.EndElement:
			return n, nil
		case xml.StartElement:
			if e.Name.Local == "key" {
				if err := d.DecodeElement(&key, &e); err != nil {
					return n, err
				}
				n.keys = append(n.keys, key)
				continue
			}
			child, err := readNode(d, e)
			if err != nil {
				return n, err
			}
			if n.list = append(n.list, child); n.kind == "dictionary" {
				n.dict[key] = child
			}
		}
	}
}

// lines writes one line for each value, as testdata/read.py does.
func (n node) lines(path string) []string {
	var out []string
	switch n.kind {
	case "dictionary":
		for _, k := range slices.Sorted(slices.Values(n.keys)) {
			out = append(out, n.dict[k].lines(path+"/"+k)...)
		}
	case "array":
		for i, child := range n.list {
			out = append(out, child.lines(fmt.Sprintf("%s/%d", path, i))...)
		}
	default:
		out = append(out, fmt.Sprintf("%s %s %q", path, n.kind, n.text))
	}
	return out
}

type errorfer interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

var uuidShape = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)

// check holds a profile against Apple's schema and the promises.
func check(t errorfer, s settings.Settings, text []byte) {
	t.Helper()
	profile, err := readPlist(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	follows(t, profile, schema["Configuration"], nil)
	seen := map[string]bool{profile.dict["PayloadUUID"].text: true}
	identifier := profile.dict["PayloadIdentifier"].text
	for _, p := range profile.dict["PayloadContent"].list {
		own, known := schema[p.dict["PayloadType"].text]
		if !known {
			t.Errorf("payload type %q", p.dict["PayloadType"].text)
		}
		follows(t, p, schema[""], own)
		id := p.dict["PayloadUUID"].text
		if seen[id] || !uuidShape.MatchString(id) || !strings.HasPrefix(p.dict["PayloadIdentifier"].text, identifier+".") || seen[p.dict["PayloadIdentifier"].text] {
			t.Errorf("UUID %q, identifier %q", id, p.dict["PayloadIdentifier"].text)
		}
		seen[id], seen[p.dict["PayloadIdentifier"].text] = true, true
	}
	mail := profile.dict["PayloadContent"].list[0].dict
	want := map[settings.Protocol]string{settings.IMAP: "EmailTypeIMAP", settings.POP3: "EmailTypePOP"}[s.Decision.Protocol]
	if mail["PayloadType"].text != "com.apple.mail.managed" || mail["EmailAccountType"].text != want || mail["EmailAddress"].text != s.Typed.String() || mail["EmailAccountName"].text != s.DisplayName {
		t.Errorf("mail payload %v", mail)
	}
	for side, server := range map[string]settings.Server{"Incoming": s.Incoming, "Outgoing": s.Outgoing} {
		prefix := side + "MailServer"
		if mail[prefix+"HostName"].text != server.Host || mail[prefix+"PortNumber"].text != fmt.Sprint(server.Port) || mail[prefix+"UseSSL"].text != "true" {
			t.Errorf("%s: %v", side, mail)
		}
		if login := map[string]settings.Login{"Incoming": s.IncomingLogin, "Outgoing": s.OutgoingLogin}[side]; mail[prefix+"Authentication"].text != authNone && mail[prefix+"Username"].text != login.Literal {
			t.Errorf("%s login %q, want %q", side, mail[prefix+"Username"].text, login.Literal)
		}
	}
	for name := range mail {
		if strings.HasSuffix(name, "Password") && name != "OutgoingPasswordSameAsIncomingPassword" {
			t.Errorf("a password: %s", name)
		}
	}
}

// follows checks keys, kinds, values and that nothing required is missing.
func follows(t errorfer, n node, tables ...map[string]key) {
	t.Helper()
	for _, name := range n.keys {
		k := tables[0][name]
		if own, ok := tables[1][name]; ok {
			k = own
		}
		got := n.dict[name]
		if k.kind != got.kind || len(k.values) > 0 && !slices.Contains(k.values, got.text) {
			t.Errorf("%s is %s %q, want %+v", name, got.kind, got.text, k)
		}
	}
	for _, table := range tables {
		for name, k := range table {
			if _, there := n.dict[name]; k.required && !there {
				t.Errorf("%s is missing", name)
			}
		}
	}
}

// Two readers that aren't ours find the same values of the same kinds.
func TestGoldensAreReadByOthers(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "plistutil")
	python := testkit.Python(t)
	for name := range cases {
		file := filepath.Join("testdata/apple", name+".mobileconfig")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		profile, err := readPlist(text)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Join(profile.lines(""), "\n") + "\n"
		out, err := exec.Command(python, "testdata/read.py", file).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("plistlib reads %s (%v):\n%s\nwant\n%s", file, err, out, want)
		}

		binary := filepath.Join(t.TempDir(), name+".bplist")
		if out, err := exec.Command("plistutil", "-i", file, "-o", binary).CombinedOutput(); err != nil {
			t.Fatalf("plistutil: %v\n%s", err, out)
		}
		converted, err := os.ReadFile(binary)
		if err != nil || !bytes.HasPrefix(converted, []byte("bplist00")) {
			t.Fatalf("%v %.20q", err, converted)
		}
		var theirs, ours any
		if _, err := plist.Unmarshal(converted, &theirs); err != nil {
			t.Fatal(err)
		}
		if _, err := plist.Unmarshal(text, &ours); err != nil || !reflect.DeepEqual(theirs, ours) {
			t.Errorf("plistutil reads %s (%v):\n%v\nwant\n%v", file, err, theirs, ours)
		}
	}
}

// Every legal site's profiles follow the schema, are the same bytes each time,
// and keep their identifiers whatever changes but the mailbox.
func TestEveryLegalSiteRendersRightly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		terms, _ := site.Terms("example.com")
		address := settings.MustAddress(rapid.SampledFrom([]string{"office", "a&b", "00123", "o'neil", `"a b"`, "jörg", "x+tag"}).Draw(t, "local") + "@example.com")
		account := terms.Unknown(address)
		if len(site.Accounts) > 0 && rapid.Bool().Draw(t, "known") {
			account = rapid.SampledFrom(site.Accounts).Draw(t, "account")
			address = account.Address
		}
		s := terms.Settings(address, account)
		text, err := Render(s)
		if err != nil {
			t.Fatal(err) // every mechanism the generator draws can be named
		}
		check(t, s, text)
		if again, _ := Render(s); !bytes.Equal(again, text) {
			t.Errorf("another time:\n%s\n%s", text, again)
		}

		changed := policytest.Site().Draw(t, "changed")
		changed.ID = site.ID
		terms, _ = changed.Terms("example.com")
		later := terms.Settings(address, terms.Unknown(address))
		// The mailbox is what it was; the address may be typed otherwise.
		later.Mailbox, later.Typed = s.Mailbox, settings.MustAddress("Other@example.net")
		if identifier(&later) != identifier(&s) || uuid(&later, "mail") != uuid(&s, "mail") {
			t.Errorf("another identifier: %s, was %s", identifier(&later), identifier(&s))
		}
		for name, change := range map[string]func(*settings.Settings){
			"mailbox": func(s *settings.Settings) { s.Mailbox = settings.MustAddress("someone.else@" + s.Mailbox.Domain()) },
			"domain":  func(s *settings.Settings) { s.Mailbox = settings.MustAddress(s.Mailbox.Local() + "@example.org") },
			"site":    func(s *settings.Settings) { s.SiteID += "x" },
		} {
			other := s
			change(&other)
			if identifier(&other) == identifier(&s) || uuid(&other, "mail") == uuid(&s, "mail") || uuid(&s, "mail") == uuid(&s, "profile") {
				t.Errorf("another %s has the same identifier %s", name, identifier(&s))
			}
		}
	})
}

// The letter case of an address doesn't make another account.
func TestIdentifierIgnoresLetterCase(t *testing.T) {
	t.Parallel()
	s, upper := office(), office()
	upper.Mailbox = settings.MustAddress("OFFICE@Example.COM")
	if identifier(&s) != identifier(&upper) || uuid(&s, "mail") != uuid(&upper, "mail") {
		t.Errorf("%s and %s", identifier(&s), identifier(&upper))
	}
	if !regexp.MustCompile(`^com\.example\.autoconfig\.[a-z2-7]{24}$`).MatchString(identifier(&s)) {
		t.Errorf("identifier %s", identifier(&s))
	}
}

func TestWhatAProfileCannotSayIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		want   error
		warns  string
	}{
		"plaintext incoming": {func(s *settings.Settings) { s.Incoming.Security = settings.None }, ErrPlaintext, "imap.example.com has no TLS"},
		"plaintext outgoing": {func(s *settings.Settings) { s.Outgoing.Security = settings.None }, ErrPlaintext, "smtp.example.com has no TLS"},
		"OAuth2 only":        {func(s *settings.Settings) { s.Incoming.Auth = []settings.Auth{settings.AuthXOAuth2} }, ErrAuth, "can't name any mechanism of imap.example.com"},
		"no address":         {func(s *settings.Settings) { s.Typed = settings.Address{} }, ErrNoAddress, ""},
		"STARTTLS":           {func(s *settings.Settings) { s.Outgoing = server("smtp.example.com", 587, settings.STARTTLS) }, nil, "says SSL for smtp.example.com:587"},
		"what it can say":    {func(*settings.Settings) {}, nil, ""},
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

func TestFileNameIsSafeInAHeader(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"office@example.com":       "office.example.com.mobileconfig",
		"O.Neil+x@xn--nxasmq6b.gr": "O.Neil_x.xn--nxasmq6b.gr.mobileconfig",
		"jörg@example.com":         "j_rg.example.com.mobileconfig",
		`"a \"b"@example.com`:      "_a___b_.example.com.mobileconfig",
		`"../x"@example.com`:       "_.._x_.example.com.mobileconfig",
	} {
		s := office()
		s.Typed = settings.MustAddress(typed)
		if got := FileName(s); got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
}
