package migrate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"autoconfig/policy"
	"autoconfig/thunderbird"
)

// publishedText is a document with these logins at IMAP and SMTP, and more elements.
func publishedText(imap, smtp, more string) string {
	return fmt.Sprintf(`<clientConfig version="1.1"><emailProvider id="example.com"><domain>example.com</domain><displayName>Example</displayName>
<incomingServer type="imap"><hostname>imap.%%EMAILDOMAIN%%</hostname><port>993</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%s</username></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.example.com</hostname><port>465</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%s</username></outgoingServer>
%s</emailProvider></clientConfig>`, imap, smtp, more)
}

func parsePublished(t *testing.T, text string) *thunderbird.Config {
	t.Helper()
	c, err := thunderbird.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Servers that replace others keep the logins that the document gives them, whatever
// pattern the domain or its plan has.
func TestReplacedServersKeepTheirLogins(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*policy.Site){
		"no pattern":         func(*policy.Site) {},
		"the domain's":       func(s *policy.Site) { s.Domains[0].Username = "{local}" },
		"the plan's":         func(s *policy.Site) { s.Plans[0].Username = "{local}" },
		"address by itself":  func(s *policy.Site) { s.Domains[0].Username = "{address}" },
		"over that of plans": func(s *policy.Site) { s.Plans[0].Username, s.Domains[0].Username = "{local}", "{address}" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := demo()
			change(&site)
			store := newFake(t, site)
			for _, logins := range [][2]string{{"%EMAILADDRESS%", "%EMAILLOCALPART%"}, {"%EMAILADDRESS%", "%EMAILADDRESS%"}, {"%EMAILLOCALPART%", "%EMAILLOCALPART%"}} {
				change, _ := PublishedChange(parsePublished(t, publishedText(logins[0], logins[1], "")), "example.com", true)
				if _, _, refused, err := change.Judge(t.Context(), store); err != nil || len(refused) > 0 {
					t.Fatal(refused, err)
				}
				if err := store.change(func(to Target) error { _, _, err := change.Write(t.Context(), to); return err }); err != nil {
					t.Fatal(err)
				}
				filled := strings.NewReplacer("%EMAILADDRESS%", "a@example.com", "%EMAILLOCALPART%", "a")
				got := ours(t, store.site(), "a@example.com").apple
				if want := []string{"imap imap.example.com 993 " + filled.Replace(logins[0]) + " true", "smtp smtp.example.com 465 " + filled.Replace(logins[1]) + " true"}; !slices.Equal(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
			}
		})
	}
}

// Calendars have the login that all mail servers have; where theirs is another, that is
// said.
func TestTheLoginOfAPublishedCalendar(t *testing.T) {
	t.Parallel()
	const calendar = `</emailProvider><calendar type="caldav"><url>https://dav.example.com/</url><username>%EMAILLOCALPART%</username></calendar><emailProvider>`
	domain, _, skipped := FromThunderbird(parsePublished(t, publishedText("%EMAILLOCALPART%", "%EMAILLOCALPART%", calendar)), "example.com")
	if domain.Username != "{local}" || domain.Servers.IMAP[0].Username != "" || strings.Contains(fmt.Sprint(skipped), "calendar") {
		t.Errorf("%+v, %q", domain, skipped)
	}
	domain, _, skipped = FromThunderbird(parsePublished(t, publishedText("%EMAILADDRESS%", "%EMAILLOCALPART%", calendar)), "example.com")
	if domain.Username != "" || !strings.Contains(fmt.Sprint(skipped), "its username %EMAILLOCALPART% is left out") {
		t.Errorf("%+v, %q", domain, skipped)
	}
}

// Everything that a document says and that no site has is said; none of it keeps the
// servers from being imported.
func TestWhatIsLeftOutOfAPublishedDocumentIsSaid(t *testing.T) {
	t.Parallel()
	for element, want := range map[string]string{
		`<domain>example.net</domain>`:                                                               "domain example.net: it is imported for example.com alone; an alias is added with: autoconfig domain set example.com --alias DOMAIN",
		strings.Repeat(`<domain>example.net</domain>`, 12):                                           "example.net and 2 more: ",
		`<documentation url="http://help.example.com/"/>`:                                            "documentation http://help.example.com/: ",
		`<documentation url="https://a.example.com/"/><documentation url="https://b.example.com/"/>`: "documentation https://b.example.com/: a provider has one help page, with an https URL; imported is https://a.example.com/",
		`<enable visiturl="https://mail.example.com/on"/>`:                                           "enable https://mail.example.com/on: ",
		`<clientThing/>`: "clientThing: ",
		`</emailProvider><webMail><loginPage url="http://mail.example.com/"/></webMail><emailProvider>`: "webMail http://mail.example.com/: ",
		`</emailProvider><emailProvider>`: "emailProvider: 1 more of them",
		`</emailProvider><calendar type="caldav"><url>http://d.example.com/</url></calendar><emailProvider>`: "calendar caldav http://d.example.com/: ",
		`</emailProvider><calendar type="caldav"><url>https://d/%EMAIL%</url></calendar><emailProvider>`:     "calendar caldav https://d/%EMAIL%: ",
		`</emailProvider><oAuth2><issuer>example.com</issuer></oAuth2><emailProvider>`:                       "oAuth2 example.com: ",
		`<outgoingServer type="smtp"><hostname>s</hostname><port>465</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username><restriction>client-IP-address</restriction><addThisServer>true</addThisServer></outgoingServer>`: "smtp s:465 SSL: it is imported without its restriction client-IP-address",
	} {
		change, skipped := PublishedChange(parsePublished(t, publishedText("%EMAILADDRESS%", "%EMAILADDRESS%", element)), "example.com", false)
		if !slices.ContainsFunc(skipped, func(s Skipped) bool { return strings.Contains(s.String(), want) }) {
			t.Errorf("%s: %q is not in %q", element, want, skipped)
		}
		if _, after, refused, err := change.Judge(t.Context(), newFake(t, policy.Site{})); err != nil || len(refused) > 0 || after.Domains[0].Servers.IMAP[0].Host != "imap.example.com" {
			t.Errorf("%s: %v %v", element, refused, err)
		}
	}
	if _, skipped := PublishedChange(parsePublished(t, publishedText("%EMAILADDRESS%", "%EMAILADDRESS%", "")), "example.com", false); len(skipped) > 0 {
		t.Errorf("nothing is left out, and said is %q", skipped)
	}
	_, skipped := PublishedChange(parsePublished(t, publishedText("%EMAILADDRESS%", "%EMAILADDRESS%", "")), "other.example", false)
	if len(skipped) != 1 || !strings.Contains(skipped[0].Reason, "doesn't name other.example") {
		t.Errorf("%q", skipped)
	}
}
