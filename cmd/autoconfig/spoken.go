package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"autoconfig/internal/suggest"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/templates"
)

// meant asks whether the known word that is near was meant; otherwise it says what else
// to do.
func meant(word string, known []string, otherwise string) string {
	if best := suggest.Nearest(word, known); best != "" {
		return "did you mean " + best + "?"
	}
	return otherwise
}

// place is where in a site a mistake is: of use in a file, and nothing to somebody who
// named a domain or an account in a command.
var place = regexp.MustCompile(`^(domains|accounts)\[[0-9]+\]\.?`)

// spoken are the mistakes of one domain or account in the words of the command line.
func spoken(err error, plans []string) error {
	var problems settings.Problems
	if !errors.As(err, &problems) {
		return err
	}
	lines := make([]string, 0, len(problems))
	for _, p := range problems {
		text := p.Text
		switch {
		case strings.HasPrefix(text, "there is no plan ") && len(plans) > 0:
			word := strings.Trim(strings.TrimPrefix(text, "there is no plan "), `"`)
			text += "; " + meant(word, plans, "possible are "+strings.Join(plans, ", "))
		case strings.HasSuffix(text, "has neither an imap nor a pop3 server"):
			text += ": name servers (--imap, --smtp)"
			if len(plans) > 0 {
				text += " or a plan (--plan " + plans[0] + ")"
			}
		}
		if path := place.ReplaceAllString(p.Path, ""); path != "" {
			text = path + ": " + text
		}
		lines = append(lines, text)
	}
	return refusal{errors.New(strings.Join(lines, "\n"))}
}

// plans are the names of the site's plans, for what is said of a mistake.
func (app *application) plans(c *call) (names []string) {
	plans, err := app.store.Plans(c)
	if err != nil {
		return nil // the mistake is told without them
	}
	for _, p := range plans {
		names = append(names, p.Name)
	}
	return names
}

// near is the domain that may have been meant by one that isn't served, "" if none is near.
func (app *application) near(c *call, name string) string {
	if !app.hasSite() {
		return ""
	}
	var known []string
	for d, err := range app.domains(c) {
		if err != nil {
			break // the mistake is told without the rest
		}
		known = append(append(known, d.Name), d.Aliases...)
	}
	return suggest.Nearest(name, known)
}

// sayAccount says what an account gets now, and why.
func (c *call) sayAccount(t *policy.Terms, a policy.Account) error {
	catalogue, err := templates.NewCatalogue(nil)
	if err != nil {
		return err
	}
	decision := t.Settings(a.Address, a).Decision
	c.printf("%s gets %s: %s\n", a.Address, upper(decision.Protocol), catalogue.Text(decision.Reason))
	return nil
}

// sayDomain says what a domain gives now.
func (c *call) sayDomain(t *policy.Terms) {
	var servers []string
	for _, p := range []settings.Protocol{t.DefaultProtocol(), settings.SMTP} {
		if best, ok := settings.Best(t.Servers.Of(p)); ok {
			servers = append(servers, serverText(best))
		}
	}
	text := fmt.Sprintf("%s gives %s: %s", t.Name, upper(t.DefaultProtocol()), strings.Join(servers, ", "))
	if n := len(t.Policy.Rules); n == 1 {
		text += "; 1 rule may decide otherwise"
	} else if n > 1 {
		text += fmt.Sprintf("; %d rules may decide otherwise", n)
	}
	c.printf("%s\n", text)
}
