package pacc

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"autoconfig/internal/testkit"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
)

var update = flag.Bool("update", false, "write what the tests compare with")

func tls(host string, port int, auth ...settings.Auth) settings.Server {
	if len(auth) == 0 {
		auth = []settings.Auth{settings.AuthPlain}
	}
	return settings.Server{Host: host, Port: port, Security: settings.TLS, Auth: auth}
}

// example is the default of the demo site's domain.
func example() settings.Settings {
	return settings.Settings{
		Domain: "example.com", Provider: settings.Provider{Name: "Example Mail", ShortName: "Example", HelpURL: "https://help.example.com/mail"},
		Decision: settings.Decision{Protocol: settings.IMAP},
		Incoming: tls("imap.example.com", 993), Outgoing: tls("smtp.example.com", 465),
	}
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "openssl")
	python := testkit.Python(t)
	services := settings.Services{
		CalDAV: "https://dav.example.com", CardDAV: "https://dav.example.com:8443/", WebDAV: "https://files.example.com:443/dav",
		JMAP: "https://jmap.example.com/session", OAuth2: &settings.OAuth2{Issuer: "https://login.example.com"},
	}
	for name, change := range map[string]func(*settings.Settings){
		"imap": func(*settings.Settings) {},
		"pop3": func(s *settings.Settings) {
			s.Decision.Protocol, s.Incoming, s.Services = settings.POP3, tls("pop.example.com", 995), services
		},
		"services": func(s *settings.Settings) {
			s.Services, s.Incoming.Auth = services, []settings.Auth{settings.AuthOAuthBearer, settings.AuthPlain}
		},
		"oauth-only": func(s *settings.Settings) {
			s.Services, s.Incoming.Auth = settings.Services{OAuth2: services.OAuth2}, []settings.Auth{settings.AuthXOAuth2}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := example()
			change(&s)
			got, err := Render(s)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata/pacc", name+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %v, got\n%s", file, err, got)
			}
			check(t, s, got)
			if out, err := exec.Command(python, "-m", "json.tool", file).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			digest, err := exec.Command("sh", "-c", `openssl dgst -sha256 -binary "$1" | openssl base64 -A`, "sh", file).Output()
			if err != nil || DigestOf(got).TXT() != "v=UAAC1; a=sha256; d="+string(digest) {
				t.Errorf("openssl's digest is %s (%v), ours %s", digest, err, DigestOf(got).TXT())
			}
		})
	}
}

type errorfer interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// check holds a document against the rules with a reader that knows no types.
func check(t errorfer, s settings.Settings, text []byte) {
	t.Helper()
	var d struct {
		Protocols      map[string]map[string]string
		Authentication map[string]any
		Info           struct{ Provider map[string]string }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	_, imap := d.Protocols["imap"]
	_, pop3 := d.Protocols["pop3"]
	_, jmap := d.Protocols["jmap"]
	if imap == pop3 || imap != (s.Decision.Protocol == settings.IMAP) || jmap && pop3 {
		t.Errorf("not exactly the default's protocol: %v", d.Protocols)
	}
	if d.Protocols[string(s.Decision.Protocol)]["host"] != s.Incoming.Host || d.Protocols["submit"]["host"] != s.Outgoing.Host || d.Protocols["smtp"]["host"] != s.Outgoing.Host {
		t.Errorf("hosts %v", d.Protocols)
	}
	for name, p := range d.Protocols {
		if url, ok := p["url"]; len(p) != 1 || ok && (!strings.HasPrefix(url, "https://") || strings.Count(url, "/") < 3) {
			t.Errorf("%s: %v", name, p)
		}
	}
	if d.Info.Provider["name"] != s.Provider.Name || d.Authentication["password"] == nil {
		t.Errorf("%s", text)
	}
	if _, err := Parse(text); err != nil {
		t.Errorf("our own reader: %v", err)
	}
	if digest, err := ParseTXT(DigestOf(text).TXT()); err != nil || !digest.Equal(sha256.Sum256(text)) {
		t.Errorf("our own digest: %v", err)
	}
}

func TestEveryLegalSiteRendersRightly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		terms, _ := site.Terms("example.com")
		s := terms.DefaultSettings("example.com")
		text, err := Render(s)
		if err != nil {
			if s.Incoming.Security == settings.TLS && s.Incoming.Port != 2525 && s.Outgoing.Security == settings.TLS && s.Outgoing.Port != 2525 {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		check(t, s, text)
		if again, _ := Render(s); !bytes.Equal(again, text) {
			t.Fatalf("another time:\n%s\n%s", text, again)
		}
	})
}

func TestWhatADocumentCannotSayIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		want   error
	}{
		"STARTTLS":   {func(s *settings.Settings) { s.Incoming.Security, s.Incoming.Port = settings.STARTTLS, 143 }, ErrPort},
		"other port": {func(s *settings.Settings) { s.Outgoing.Port = 10465 }, ErrPort},
		"Kerberos":   {func(s *settings.Settings) { s.Incoming.Auth = []settings.Auth{settings.AuthGSSAPI} }, ErrAuth},
		"OAuth without an issuer": {func(s *settings.Settings) {
			s.Incoming.Auth = []settings.Auth{settings.AuthOAuthBearer}
		}, ErrAuth},
	} {
		s := example()
		c.change(&s)
		if _, err := Render(s); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestTXT(t *testing.T) {
	t.Parallel()
	want := DigestOf([]byte("document"))
	d := base64.StdEncoding.EncodeToString(want[:])
	for text, good := range map[string]bool{
		"v=UAAC1; a=sha256; d=" + d:          true,
		"v=UAAC1;a=sha256;d=" + d + ";":      true,
		" v = UAAC1 ;\ta = sha256; d = " + d: true,
		"d=" + d + "; a=sha256; v=UAAC1; ":   true,
		"v=UAAC1; a=sha256; x=y; d=" + d:     true,
		"v=UAAC2; a=sha256; d=" + d:          false,
		"v=UAAC1; a=sha512; d=" + d:          false,
		"v=UAAC1; a=sha256":                  false,
		"v=UAAC1; a=sha256; d=" + d[:40]:     false,
		"v=UAAC1; a=sha256; d=" + d + "=":    false,
		"v=UAAC1; v=UAAC1; a=sha256; d=" + d: false,
		"v=UAAC1; a=sha256; ; d=" + d:        false,
		"v=UAAC1; a=sha256; ü=x; d=" + d:     false,
		"":                                   false,
	} {
		got, err := ParseTXT(text)
		if good && (err != nil || !got.Equal(want)) || !good && !errors.Is(err, ErrTXT) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, is := range map[string]bool{"v=UAAC1; x": true, "a=sha256; v=UAAC9": true, "v=spf1 -all": false, "google-site-verification=x": false, "": false} {
		if IsTXT(text) != is {
			t.Errorf("IsTXT(%q)", text)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "HTML": "<html>", "array": "[]", "no protocols": `{"info":{}}`, "null": `{"protocols":null}`,
		"wrong type": `{"protocols":{"imap":"imap.example.com"}}`, "too large": strings.Repeat(" ", MaxDocument+1),
	} {
		if d, err := Parse([]byte(text)); !errors.Is(err, ErrDocument) {
			t.Errorf("%s: %+v %v", name, d, err)
		}
	}
	d, err := Parse([]byte(`{"protocols":{"imap":{"host":"h","x":1},"new":{}},"more":true}`))
	if err != nil || d.Protocols.IMAP.Host != "h" {
		t.Errorf("unknown members: %+v %v", d, err)
	}
}

// A digest that is read is one that is written, and a document that is read is JSON.
func FuzzParse(f *testing.F) {
	f.Add("v=UAAC1; a=sha256; d=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", []byte(`{"protocols":{"imap":{"host":"h"}}}`))
	f.Fuzz(func(t *testing.T, text string, document []byte) {
		if digest, err := ParseTXT(text); err == nil {
			if again, err := ParseTXT(digest.TXT()); err != nil || !again.Equal(digest) || !IsTXT(text) {
				t.Fatalf("%q: %v", text, err)
			}
		} else if !errors.Is(err, ErrTXT) {
			t.Fatal(err)
		}
		if _, err := Parse(document); err == nil && !json.Valid(document) {
			t.Fatalf("%q is not JSON", document)
		} else if err != nil && !errors.Is(err, ErrDocument) {
			t.Fatal(err)
		}
	})
}
