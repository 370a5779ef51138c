package main

import (
	"fmt"
	"slices"
	"strings"

	"autoconfig/clients"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/templates"
	"autoconfig/thunderbird"
)

type explainCmd struct {
	demoFlag
	jsonFlag
	Address string `arg:"" help:"The address that a person types."`
}

func (e *explainCmd) Help() string {
	return `Says which account the address leads to, which one protocol it gets and why, with
which servers and logins, what the person should know, and which programs
don't get this decision.

Examples:
  autoconfig explain workshop@example.com --demo
  autoconfig explain --json office+shop@example.net`
}

// explanation is what `explain` prints, and its JSON.
type explanation struct {
	Address  string            `json:"address"`
	Mailbox  string            `json:"mailbox"`
	Known    bool              `json:"known"`
	Source   string            `json:"source,omitempty"`
	Account  policy.Account    `json:"account"`
	Override *policy.Override  `json:"override,omitempty"`
	Domain   string            `json:"domain"`
	Decision settings.Decision `json:"decision"`
	Reason   string            `json:"reason"`
	Advice   []string          `json:"advice"`
	Incoming settings.Server   `json:"incoming"`
	Outgoing settings.Server   `json:"outgoing"`
	Login    string            `json:"login"`
	// OutgoingLogin is the login at the outgoing server.
	OutgoingLogin string   `json:"outgoing_login"`
	Limits        []string `json:"limits,omitempty"`
	clients.Misfits
	PublicShows policy.PublicAnswers `json:"public_answers"`

	misled []string // the same in sentences
}

func (e *explainCmd) Run(c *call, app *application) error {
	typed, err := settings.ParseAddress(e.Address)
	if err != nil {
		return err
	}
	found, err := app.look(c, typed)
	if err != nil {
		return err
	}
	catalogue, err := templates.NewCatalogue(nil)
	if err != nil {
		return err
	}
	x := explain(found, catalogue)
	if e.JSON {
		return c.json(x)
	}
	return x.print(c)
}

func explain(found lookup, catalogue *templates.Catalogue) explanation {
	s := found.personal
	x := explanation{
		Address: s.Typed.String(), Mailbox: s.Mailbox.String(), Known: found.Known, Source: found.Source, Account: found.Account,
		Domain: found.Home.Terms.Name, Decision: s.Decision, Reason: catalogue.Text(s.Decision.Reason),
		Incoming: s.Incoming, Outgoing: s.Outgoing, Login: s.IncomingLogin.Literal, OutgoingLogin: s.OutgoingLogin.Literal,
		PublicShows: policy.PublicAccount,
	}
	if !found.Override.IsZero() {
		x.Override = &found.Override
	}
	if shows := found.Home.Terms.PublicAnswers; shows != "" {
		x.PublicShows = shows
	}
	for _, m := range s.Decision.Advice {
		x.Advice = append(x.Advice, catalogue.Text(m))
	}
	for _, p := range limits(s) {
		x.Limits = append(x.Limits, p.Text)
	}
	standIn := settings.MustAddress(thunderbird.EvolutionUser + "@" + s.Typed.Domain())
	outcomes := clients.Outcomes(found.Answers(s.Typed, standIn))
	x.Misfits, x.misled = clients.MisfitsOf(outcomes), misled(found, outcomes)
	return x
}

// misled says which programs don't come by the account's settings on their own, and
// what they get instead.
func misled(found lookup, outcomes []clients.Outcome) []string {
	var lines []string
	for _, group := range []struct {
		sends  clients.Sends
		srv    bool
		format string
	}{
		{clients.NoAddress, false, "Programs that send no address (%s) get the domain's default: %s."},
		{clients.Address, true, "Programs that believe SRV records (%s) get the domain's default: %s."},
		{clients.Digest, false, "%s, which sends only a digest of the address, gets %s."},
	} {
		is := func(o clients.Outcome) bool {
			return o.Misled && o.Lookup.Sends == group.sends && o.Gets.FromSRV == group.srv
		}
		for _, names := range byWhatTheyGet(outcomes, is) {
			lines = append(lines, fmt.Sprintf(group.format, strings.Join(names.programs, ", "), names.get))
		}
	}
	protocol := upper(found.personal.Decision.Protocol)
	finds := func(is func(clients.Outcome) bool, text string) {
		if names := clients.NamesOf(outcomes, is); len(names) > 0 {
			lines = append(lines, strings.Join(names, ", ")+" "+text)
		}
	}
	finds(func(o clients.Outcome) bool { return o.Untold }, "can't be told the login without changing it, and must be set up by hand.")
	for _, o := range outcomes {
		if o.Type != "" {
			lines = append(lines, fmt.Sprintf("%s asks nothing where the domain is typed in its own letters: type %s.", o.Name, o.Type))
		}
	}
	finds(func(o clients.Outcome) bool { return o.ByHand && !o.Misled && !o.Untold }, "can't find "+protocol+" accounts by themselves.")
	finds(func(o clients.Outcome) bool { return o.Unsuitable }, "can't have "+protocol+" accounts.")
	if found.Home.Terms.PublicAnswers == policy.PublicDefault || found.Entry.Terms.PublicAnswers == policy.PublicDefault {
		lines = append(lines, "The domain's public answers show only its default, to every program.")
	}
	return lines
}

// sameGets are programs that get the same.
type sameGets struct {
	get      string
	programs []string
}

func byWhatTheyGet(outcomes []clients.Outcome, is func(clients.Outcome) bool) []sameGets {
	var all []sameGets
	for _, o := range outcomes {
		if !is(o) {
			continue
		}
		get := strings.Join(o.Gets.Differs, " and ")
		i := slices.IndexFunc(all, func(s sameGets) bool { return s.get == get })
		if i < 0 {
			i, all = len(all), append(all, sameGets{get: get})
		}
		all[i].programs = append(all[i].programs, o.Name)
	}
	return all
}

func (x explanation) print(c *call) error {
	known := "known"
	switch {
	case !x.Known:
		known = "not known; anybody else's answer"
	case x.Source != "":
		known = "known from the source " + x.Source
	}
	rows := [][]string{
		{"address", x.Address},
		{"mailbox", x.Mailbox + " (" + known + ")"},
		{"domain", x.Domain},
		{"protocol", upper(x.Decision.Protocol) + x.retention()},
		{"because", x.Reason},
		{"incoming", serverText(x.Incoming) + "  " + authText(x.Incoming.Auth) + "  login " + x.Login},
		{"outgoing", serverText(x.Outgoing) + "  " + authText(x.Outgoing.Auth) + "  login " + x.OutgoingLogin},
	}
	if o := x.Override; o != nil {
		rows = append(rows, list("override", overrideLines(*o))...)
	}
	rows = append(rows, list("advice", x.Advice)...)
	rows = append(rows, list("limits", x.Limits)...)
	rows = append(rows, list("misled", x.misled)...)
	return c.table(rows)
}

// overrideLines say what an override replaces of what a source says.
func overrideLines(o policy.Override) []string {
	var lines []string
	if o.Protocol != "" {
		lines = append(lines, "protocol "+upper(o.Protocol))
	}
	if o.Devices != "" {
		lines = append(lines, "devices "+string(o.Devices))
	}
	if o.Note != "" {
		lines = append(lines, "note: "+o.Note)
	}
	return append(lines, "by "+o.ChangedBy+", "+o.ChangedAt.Format("2006-01-02 15:04 MST"))
}

func (x explanation) retention() string {
	switch {
	case x.Decision.Protocol != settings.POP3:
		return ""
	case !x.Decision.POP3.Leave:
		return ", nothing is left on the server"
	case x.Decision.POP3.Days == 0:
		return ", mail is left on the server"
	default:
		return fmt.Sprintf(", mail is left on the server for %d days", x.Decision.POP3.Days)
	}
}
