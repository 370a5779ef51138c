package templates

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"autoconfig/settings"
)

func newMails(t *testing.T, folder fstest.MapFS) *Mails {
	t.Helper()
	c, err := NewCatalogue(folder)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMails(c, folder)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func letter(language string) Letter {
	return Letter{
		Language: language,
		Provider: settings.Provider{
			ID: "a", Name: `Müller & <Söhne>`, SupportEmail: "help@example.com", SupportPhone: "+49 30 123", Colour: "#0a5f3c",
			HelpURL: "https://help.example.com/", TimeZone: "Europe/Berlin",
		},
		Address: "office@example.com", URL: "https://setup.example.com/s/0123456789abcdefghijklmnop",
		Until: time.Date(2026, 11, 26, 20, 5, 0, 0, time.UTC), Start: "https://setup.example.com/",
		Settings: settings.Settings{
			Decision: settings.Decision{
				Protocol: settings.POP3, Advice: []settings.Message{
					{Key: settings.AdvicePOP3One},
					{Key: settings.AdviceBackup},
					{Key: settings.AdviceKeeps, Args: map[string]string{"days": "9"}},
					{Key: settings.AdviceNeverBoth},
				},
			},
			Incoming:      settings.Server{Host: "pop.example.com", Port: 995, Security: settings.TLS},
			Outgoing:      settings.Server{Host: "smtp.example.com", Port: 587, Security: settings.STARTTLS, Auth: []settings.Auth{settings.AuthNone}},
			IncomingLogin: settings.Login{Literal: "office@example.com"}, OutgoingLogin: settings.Login{Literal: "not-asked-for"},
		},
	}
}

// Both parts of each message say the same in each language: the link, until when it
// works in the provider's zone, the settings, and the advice in the words of the pages.
func TestMessagesSayTheSameInBothParts(t *testing.T) {
	t.Parallel()
	m := newMails(t, nil)
	for _, language := range m.Languages() {
		for _, name := range mailNames {
			l := letter(language)
			subject, plain, page, err := m.Write(name, l)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{l.Address, l.URL, "21:05 ", "(Europe/Berlin)", "help@example.com", "+49 30 123", l.Provider.HelpURL}
			if name == "welcome" {
				want = append(want, "pop.example.com", "995", "smtp.example.com", "587", "STARTTLS", l.Start)
				for _, advice := range l.Settings.Decision.Advice {
					want = append(want, m.Text(advice, language))
				}
			}
			for _, w := range want {
				if !strings.Contains(plain, w) || !strings.Contains(unescapedHTML(page), w) {
					t.Errorf("%s in %s lacks %q:\n%s\n%s", name, language, w, plain, page)
				}
			}
			if !strings.Contains(plain, "Müller & <Söhne>") || strings.Contains(page, "<Söhne>") || !strings.Contains(subject, l.Address) {
				t.Errorf("%s in %s: %q\n%s\n%s", name, language, subject, plain, page)
			}
			for _, part := range []string{subject, plain, page} {
				if strings.Contains(part, "not-asked-for") || regexp.MustCompile(`\b(mail|setup|date|security|advice)\.[a-z]+\.?[a-z]*\b[^@/]`).MatchString(strings.ReplaceAll(part, "example.com", "")) ||
					strings.Contains(part, "no value") || strings.Contains(part, "ZgotmplZ") {
					t.Errorf("%s in %s has something that is none of a person's business:\n%s", name, language, part)
				}
			}
			if !strings.Contains(page, `lang="`+language+`"`) || strings.Contains(page, "<script") || regexp.MustCompile(`(src|href)="http://`).MatchString(page) {
				t.Errorf("%s in %s:\n%s", name, language, page)
			}
		}
	}
}

func unescapedHTML(s string) string {
	return strings.NewReplacer("&#39;", "'", "&amp;", "&", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&#43;", "+").Replace(s)
}

func TestTimesAreOfTheirLanguageAndZone(t *testing.T) {
	t.Parallel()
	m := newMails(t, nil)
	at := time.Date(2026, 11, 26, 23, 30, 0, 0, time.UTC)
	berlin := settings.Provider{TimeZone: "Europe/Berlin"}.Zone()
	for language, want := range map[string]string{
		"en": "Friday, 27 November 2026, 00:30 (Europe/Berlin)", "de": "Freitag, 27. November 2026, 00:30 Uhr (Europe/Berlin)",
		"pl": "piątek, 27 listopada 2026, 00:30 (Europe/Berlin)", "fr": "vendredi 27 novembre 2026 à 00:30 (Europe/Berlin)",
	} {
		if got := m.Moment(at, berlin, language); got != want {
			t.Errorf("%s: %q, want %q", language, got, want)
		}
	}
	if got := m.Moment(at, time.UTC, "en"); got != "Thursday, 26 November 2026, 23:30 (UTC)" {
		t.Errorf("%q", got)
	}
}

func TestAnOperatorsMessages(t *testing.T) {
	t.Parallel()
	m := newMails(t, fstest.MapFS{
		"mails/link.txt":        {Data: []byte(`Ours: {{.URL}} ({{t "mail.button"}})`)},
		"messages/mail.en.json": {Data: []byte(`{"mail.button": "Go"}`)},
		"assets/logo.png":       {Data: []byte("\x89PNG")},
		"assets/logo.svg":       {Data: []byte("<svg/>")},
		"assets/big.png":        {Data: make([]byte, maxLogo+1)},
	})
	l := letter("en")
	l.Provider.Logo = "logo.png"
	_, plain, page, err := m.Write("link", l)
	if err != nil || plain != "Ours: "+l.URL+" (Go)\n" || !strings.Contains(page, ">Go<") || !strings.Contains(page, `src="cid:logo"`) {
		t.Errorf("%v\n%s\n%s", err, plain, page)
	}
	for _, none := range []string{"logo.svg", "big.png", "nothing.png", "../assets/logo.png", ""} {
		if picture, _ := m.Logo(none); picture != nil {
			t.Errorf("%q is a logo", none)
		}
	}
	c, err := NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	for file, wrong := range map[string]string{
		"mails/link.txt": `{{if}}`, "mails/welcome.html": `{{define "main"}}{{.Nothing}}{{end}}`, "mails/frame.html": `{{nope}}`,
	} {
		if _, err := NewMails(c, fstest.MapFS{file: {Data: []byte(wrong)}}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTextOnABrandsColourCanBeRead(t *testing.T) {
	t.Parallel()
	for colour, want := range map[string]string{"#ffffff": "#000000", "#000000": "#ffffff", "#0a5f3c": "#ffffff", "#ffcc00": "#000000", "": "#ffffff"} {
		if got := inkOn(colour); got != want {
			t.Errorf("on %q: %s", colour, got)
		}
	}
}
