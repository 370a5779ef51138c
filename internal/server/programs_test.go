package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autoconfig/clients"
	"autoconfig/settings"
)

// Every program that pages show has its steps on each of its devices, in every language,
// for both protocols: with a profile its button, and else, where the values must be typed,
// the values of the account. Where it knows only the other protocol, it says so.
func TestEveryProgramHasItsSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]string{} // texts by program, of which no two languages have the same
	for _, language := range []string{"en", "de", "fr", "es", "it", "nl", "pt", "pl"} {
		for _, c := range append(clients.All(), clients.Client{ID: "another", Shown: true, Devices: []clients.Device{clients.Other}, IMAP: clients.Ability{How: clients.ByHand}, POP3: clients.Ability{How: clients.ByHand}}) {
			if !c.Shown {
				continue
			}
			for _, device := range c.Devices {
				for address, host := range map[string]string{"office@example.com": "imap.example.com", "workshop@example.com": "pop.example.com"} {
					protocol := settings.IMAP
					if host == "pop.example.com" {
						protocol = settings.POP3
					}
					form := url.Values{"address": {address}, "device": {string(device)}, "program": {c.ID}, "lang": {language}}
					page := text(w.ask(t, http.MethodPost, "http://setup.example.com/", form.Encode(), "Content-Type", formType))
					at := fmt.Sprintf("%s, %s on %s for %s", language, c.ID, device, address)
					_, section, found := strings.Cut(page, `id="steps">`)
					section, _, closed := strings.Cut(section, "</section>")
					if !found || !closed || !strings.Contains(section, c.Name) {
						t.Errorf("%s: no steps in\n%s", at, page)
						continue
					}
					for _, wrong := range []string{"{{", "<no value>", ">program." + c.ID, ">setup."} {
						if strings.Contains(section, wrong) {
							t.Errorf("%s has %s in\n%s", at, wrong, section)
						}
					}
					how := c.Ability(protocol).How
					counted, values := strings.Count(section, "<li>"), strings.Contains(section, host) && strings.Contains(section, "smtp.example.com") && strings.Contains(section, address)
					switch {
					case how == clients.Never && (counted > 0 || !strings.Contains(section, "notice warning")):
						t.Errorf("%s: it isn't said that it can't:\n%s", at, section)
					case how != clients.Never && counted < 2:
						t.Errorf("%s: %d steps:\n%s", at, counted, section)
					case how == clients.ByProfile && !strings.Contains(section, "email.mobileconfig?emailaddress="), how != clients.Never && !values:
						t.Errorf("%s: neither button nor values:\n%s", at, section)
					}
					if key := c.ID + address + string(device) + section; seen[key] != "" {
						t.Errorf("%s says the same as in %s", at, seen[key])
					} else {
						seen[key] = language
					}
				}
			}
		}
	}
}
