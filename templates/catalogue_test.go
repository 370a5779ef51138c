package templates

import (
	"strings"
	"testing"

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
