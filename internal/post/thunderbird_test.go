package post_test

import (
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/post"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
)

// The real Thunderbird shows both messages whole, in light and in dark, with much
// room and with little: with the link, and a button that looks like one. In the dark it
// takes backgrounds away, and only a border in the text's colour makes a button.
func TestMessagesInThunderbird(t *testing.T) {
	testkit.Need(t, "thunderbird")
	t.Parallel() // each has a namespace of its own
	if !testkit.InNamespace(t) {
		return
	}
	welcome := letterTo("eva@home.test")
	welcome.Kind = post.Welcome
	welcome.Says.Provider.Colour, welcome.Says.Provider.SupportPhone = "#0a5f3c", "+49 30 123"
	welcome.Says.Settings = settings.Settings{
		Decision:      settings.Decision{Protocol: settings.POP3, Advice: []settings.Message{{Key: settings.AdvicePOP3One}, {Key: settings.AdviceBackup}, {Key: settings.AdviceNeverBoth}}},
		Incoming:      settings.Server{Host: "pop.example.com", Port: 995, Security: settings.TLS},
		Outgoing:      settings.Server{Host: "smtp.example.com", Port: 587, Security: settings.STARTTLS},
		IncomingLogin: settings.Login{Literal: "office@example.com"},
	}
	link := letterTo("eva@home.test")
	link.Says.Provider.Colour = "#0a5f3c"
	d, server := newDesk(t), startScript(t, nil)
	d.at(server)
	d.put(t, link)
	d.put(t, welcome)
	d.once(t)
	if len(server.got) != 2 {
		t.Fatalf("%d messages", len(server.got))
	}
	for theme, prefs := range map[string]testkit.Prefs{
		"light": {"ui.systemUsesDarkTheme": 0},
		"dark":  {"ui.systemUsesDarkTheme": 1, "browser.theme.content-theme": 0, "browser.theme.toolbar-theme": 0},
	} {
		tb := testkit.StartThunderbird(t, nil, prefs)
		for _, message := range server.got {
			message = strings.ReplaceAll(message, "\n..", "\n.") // RFC 5321, section 4.5.2
			kind, says := "link", []string{"office@example.com einrichten", link.Says.URL, "Freitag, 27. November 2026, 13:00 Uhr", "Support: help@example.com"}
			if strings.Contains(message, "pop.example.com") {
				kind, says = "welcome", []string{
					"Ihr Postfach office@example.com ist bereit", "Dieses Postfach verwendet POP3", "Server\tpop.example.com", "Port\t587",
					"Benutzername\toffice@example.com", "Support: help@example.com · +49 30 123",
				}
			}
			for size, width := range map[string]int{"wide": 1000, "narrow": 360} {
				name := strings.Join([]string{"thunderbird", kind, theme, size}, "-")
				shown := tb.Show(t, name, message, width, 1250)
				for _, want := range says {
					if !strings.Contains(shown.Text, want) {
						t.Errorf("%s: no %q in\n%s", name, want, shown.Text)
					}
				}
				if !slices.Contains(shown.Links, link.Says.URL) || shown.Sideways > 0 {
					t.Errorf("%s: %q, %d pixels too wide", name, shown.Links, shown.Sideways)
				}
				if shown.Border != "solid 2px" || shown.BorderColour != shown.Ink {
					t.Errorf("%s: the button has a border %s %s around %s", name, shown.Border, shown.BorderColour, shown.Ink)
				}
			}
		}
	}
}
