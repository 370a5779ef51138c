package templates

import (
	"embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"autoconfig/clients"
	"autoconfig/settings"
)

func TestEveryMessageHasAText(t *testing.T) {
	t.Parallel()
	catalogue, err := NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		settings.ReasonAccount, settings.ReasonRule, settings.ReasonDefault, settings.ReasonOnly, settings.ReasonNoServer,
		settings.AdviceIMAP, settings.AdviceIMAPMany, settings.AdvicePOP3, settings.AdvicePOP3One, settings.AdviceKeeps,
		settings.AdviceKeepsAll, settings.AdviceDeletes, settings.AdviceBackup, settings.AdviceNeverBoth,
	} {
		text := catalogue.Text(settings.Message{Key: key, Args: map[string]string{"rule": "kiosk", "days": "9", "wanted": "POP3"}}, "en")
		if text == key || strings.Contains(text, "<no value>") || strings.Contains(text, "{{") {
			t.Errorf("%s: %q", key, text)
		}
	}
}

func TestTextFillsArgumentsAndCounts(t *testing.T) {
	t.Parallel()
	catalogue, err := NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	for days, want := range map[string]string{"1": "for 1 day.", "9": "for 9 days."} {
		text := catalogue.Text(settings.Message{Key: settings.AdviceKeeps, Args: map[string]string{"days": days}}, "xx-unknown")
		if !strings.Contains(text, want) {
			t.Errorf("%s days: %q", days, text)
		}
	}
	if text := catalogue.Text(settings.Message{Key: settings.ReasonRule, Args: map[string]string{"rule": "<kiosk> & co"}}); !strings.Contains(text, "“<kiosk> & co”") {
		t.Errorf("arguments are escaped: %q", text)
	}
	if text := catalogue.Text(settings.Message{Key: "no.such.key"}); text != "no.such.key" {
		t.Errorf("unknown key: %q", text)
	}
}

// Every language has every text, with the same values in it and as many lines:
// the lines of instructions are their steps.
func TestLanguagesAreComplete(t *testing.T) {
	t.Parallel()
	english := readMessages(t, "en")
	placeholder := regexp.MustCompile(`{{\.\w+}}`)
	for _, l := range []string{"de", "fr", "es", "it", "nl", "pt", "pl"} {
		other := readMessages(t, l)
		for key := range other {
			if _, known := english[key]; !known {
				t.Errorf("%s: %s isn't in English", l, key)
			}
		}
		for key, text := range english {
			for form, translated := range other[key] {
				want := slices.Sorted(slices.Values(placeholder.FindAllString(text["other"], -1)))
				if got := slices.Sorted(slices.Values(placeholder.FindAllString(translated, -1))); !slices.Equal(slices.Compact(got), slices.Compact(want)) {
					t.Errorf("%s: %s (%s) has the values %v, English %v", l, key, form, got, want)
				}
				if strings.Count(translated, "\n") != strings.Count(text["other"], "\n") {
					t.Errorf("%s: %s has other lines than English", l, key)
				}
			}
			if len(other[key]) == 0 || other[key]["other"] == "" {
				t.Errorf("%s: %s is missing", l, key)
			}
		}
	}
	catalogue, err := NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := catalogue.Languages(); len(got) != 8 || got[0] != "en" {
		t.Errorf("languages: %v", got)
	}
}

// readMessages are a language's texts by key and plural form.
func readMessages(t *testing.T, l string) map[string]map[string]string {
	t.Helper()
	forms := map[string]map[string]string{}
	for _, file := range []string{l + ".json", "mail." + l + ".json"} {
		raw, err := messages.ReadFile("messages/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
		for key, value := range all {
			if forms[key] != nil {
				t.Errorf("%s has %s, which another file has", file, key)
			}
			switch v := value.(type) {
			case string:
				forms[key] = map[string]string{"other": v}
			case map[string]any:
				forms[key] = map[string]string{}
				for form, text := range v {
					forms[key][form] = text.(string)
				}
			}
		}
	}
	return forms
}

func TestLanguageIsTheNearest(t *testing.T) {
	t.Parallel()
	catalogue, err := NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	for wanted, want := range map[string]string{
		"de-CH,de;q=0.9,en;q=0.8": "de", "pt-BR": "pt", "ja, pl;q=0.5": "pl", "": "en", "ja": "en", "<script>": "en", "fr;q=0.3, nl;q=0.9": "nl",
	} {
		if got := catalogue.Language(wanted); got != want {
			t.Errorf("%q: %s", wanted, got)
		}
	}
	if got := catalogue.Language("", "garbage;;", "it"); got != "it" {
		t.Errorf("the second wish: %s", got)
	}
	if text := catalogue.Text(settings.Message{Key: "time.days", Args: map[string]string{"count": "3"}}, "pl"); text != "3 dni" {
		t.Errorf("plural: %q", text)
	}
}

// Every key that a page names is in the catalogue, and none in it is forgotten.
func TestPagesNameKnownTexts(t *testing.T) {
	t.Parallel()
	english := readMessages(t, "en")
	named := regexp.MustCompile(`[({ ]t "([a-z0-9_.]+)"`)
	for folder, all := range map[string]embed.FS{"pages": pages, "mails": mails} {
		files, err := all.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := all.ReadFile(folder + "/" + file.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range named.FindAllStringSubmatch(string(text), -1) {
				if english[found[1]] == nil {
					t.Errorf("%s names %s, which has no text", file.Name(), found[1])
				}
			}
		}
	}
	for _, c := range clients.All() {
		if c.Shown && (english["program."+c.ID+".steps"] == nil || english["program."+c.ID+".keep"] == nil && c.POP3.How != clients.Never) {
			t.Errorf("%s has no instructions", c.Name)
		}
		if c.Profile.Has && (english["program."+c.ID+".note"] == nil || english["program."+c.ID+".hand"] == nil) {
			t.Errorf("%s has no words on what to do where profiles are forbidden", c.Name)
		}
	}
}

// An operator's folder takes the place of texts, pages and assets; a mistake in it
// is named.
func TestAnOperatorsFolder(t *testing.T) {
	t.Parallel()
	folder := fstest.MapFS{
		"messages/en.json": {Data: []byte(`{"setup.title": "Hello"}`)},
		"messages/ja.json": {Data: []byte(`{"setup.title": "メールの設定"}`)},
		"pages/gone.html":  {Data: []byte(`{{define "title"}}x{{end}}{{define "main"}}Gone: {{t "setup.title"}}{{end}}`)},
		"assets/logo.svg":  {Data: []byte(`<svg/>`)},
		"assets/page.css":  {Data: []byte(`body{}`)},
	}
	p, err := NewPages(folder)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Say("setup.title", "en"); got != "Hello" {
		t.Errorf("title: %q", got)
	}
	if got := p.Say("setup.title", p.Language("ja-JP")); got != "メールの設定" {
		t.Errorf("another language: %q", got)
	}
	if got := p.Say("setup.address", "ja"); got != "Mail address" {
		t.Errorf("what it hasn't is English: %q", got)
	}
	for name, want := range map[string]string{"logo.svg": "<svg/>", "page.css": "body{}", "../messages/en.json": "", "en.json": "", "nothing.svg": ""} {
		if text, _ := p.Asset(name); string(text) != want {
			t.Errorf("%s: %q", name, text)
		}
	}
	for file, wrong := range map[string]string{"pages/gone.html": `{{if}}`, "messages/de.json": `{`} {
		if _, err := NewPages(fstest.MapFS{file: {Data: []byte(wrong)}}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
