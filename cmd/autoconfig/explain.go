package main

import (
	"fmt"
	"slices"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/mobileconfig"
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
which servers and logins, what the person should know, and which programs can't
be reached by the decision.

Examples:
  autoconfig explain workshop@example.com --demo
  autoconfig explain --json office+shop@example.net`
}

// explanation is what `explain` prints, and its JSON.
type explanation struct {
	Address     string               `json:"address"`
	Mailbox     string               `json:"mailbox"`
	Known       bool                 `json:"known"`
	Source      string               `json:"source,omitempty"`
	Account     policy.Account       `json:"account"`
	Override    *policy.Override     `json:"override,omitempty"`
	Domain      string               `json:"domain"`
	Decision    settings.Decision    `json:"decision"`
	Reason      string               `json:"reason"`
	Advice      []string             `json:"advice"`
	Incoming    settings.Server      `json:"incoming"`
	Outgoing    settings.Server      `json:"outgoing"`
	Login       string               `json:"login"`
	SMTPLogin   string               `json:"smtp_login"`
	Limits      []string             `json:"limits,omitempty"`
	Misled      []string             `json:"misled,omitempty"`
	PublicShows policy.PublicAnswers `json:"public_answers"`
}

func (e *explainCmd) Run(c *call) error {
	typed, err := settings.ParseAddress(e.Address)
	if err != nil {
		return err
	}
	site, err := e.open(c)
	if err != nil {
		return err
	}
	defer site.close()
	found, err := site.look(c, typed)
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

func explain(found looked, catalogue *templates.Catalogue) explanation {
	s := found.personal
	x := explanation{
		Address: s.Typed.String(), Mailbox: s.Mailbox.String(), Known: found.Known, Source: found.Source, Account: found.Account,
		Domain: found.Home.Terms.Name, Decision: s.Decision, Reason: catalogue.Text(s.Decision.Reason),
		Incoming: s.Incoming, Outgoing: s.Outgoing, Login: s.IncomingLogin.Literal, SMTPLogin: s.OutgoingLogin.Literal,
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
	x.Misled = misled(found)
	return x
}

// limits are what each format can't carry of these settings.
func limits(s settings.Settings) settings.Problems {
	return append(append(thunderbird.Check(s), autodiscover.Check(s)...), mobileconfig.Check(s)...)
}

// misled names the programs that get something else than this account's decision,
// since they don't say for whom they ask, or not by its name.
func misled(found looked) []string {
	s := found.personal
	var lines []string
	if differs := differences(s, found.Entry.Terms.DefaultSettings(s.Typed.Domain())); len(differs) > 0 {
		lines = append(lines, "Programs that send no address (Thunderbird for Android, KMail, Delta Chat) get the domain's default: "+strings.Join(differs, " and ")+".")
	}
	if s.Decision.Protocol == settings.POP3 {
		lines = append(lines, "Thunderbird for Android, Delta Chat, FairEmail and Nextcloud Mail can't find a POP3 account by themselves.")
	}
	// Evolution sends a digest of what was typed, and puts the typed local part in.
	evolution := settings.MustAddress(thunderbird.EvolutionUser + "@" + s.Typed.Domain())
	byDigest := found.Entry.Terms.DigestSettings(evolution, nil)
	whole := found.Home.Terms.Primary(s.Typed).Key()
	if found.Known && slices.ContainsFunc(append([]settings.Address{found.Account.Address}, found.Account.Addresses...), func(a settings.Address) bool { return a.Key() == whole }) {
		byDigest, _ = found.Digested(evolution)
	}
	for _, login := range []*settings.Login{&byDigest.IncomingLogin, &byDigest.OutgoingLogin} {
		login.Literal = strings.ReplaceAll(login.Literal, thunderbird.EvolutionUser, s.Typed.Local())
	}
	if differs := differences(s, byDigest); len(differs) > 0 {
		lines = append(lines, "Evolution, which sends only a digest of the address, gets "+strings.Join(differs, " and ")+".")
	}
	if found.Home.Terms.PublicAnswers == policy.PublicDefault || found.Entry.Terms.PublicAnswers == policy.PublicDefault {
		lines = append(lines, "The domain's public answers show only its default, to every program.")
	}
	return lines
}

// differences say in what settings that a program gets differ from an account's.
func differences(own, gets settings.Settings) []string {
	var differs []string
	server := func(a, b settings.Server) bool {
		return a.Host == b.Host && a.Port == b.Port && a.Security == b.Security
	}
	switch {
	case own.Decision.Protocol != gets.Decision.Protocol:
		differs = append(differs, fmt.Sprintf("%s instead of %s", upper(gets.Decision.Protocol), upper(own.Decision.Protocol)))
	case !server(own.Incoming, gets.Incoming), !server(own.Outgoing, gets.Outgoing):
		differs = append(differs, "other servers")
	case own.Decision.POP3 != gets.Decision.POP3:
		differs = append(differs, "another time that mail stays on the server")
	}
	for _, login := range [][2]settings.Login{{own.IncomingLogin, gets.IncomingLogin}, {own.OutgoingLogin, gets.OutgoingLogin}} {
		literal := login[1].Literal
		if literal == "" { // a pattern, which the program fills
			literal = strings.NewReplacer("{address}", own.Typed.String(), "{local}", own.Typed.Local(), "{domain}", own.Typed.Domain()).Replace(login[1].Pattern)
		}
		if !strings.EqualFold(literal, login[0].Literal) {
			return append(differs, "another login")
		}
	}
	return differs
}

func upper(p settings.Protocol) string { return strings.ToUpper(string(p)) }

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
		{"outgoing", serverText(x.Outgoing) + "  " + authText(x.Outgoing.Auth) + "  login " + x.SMTPLogin},
	}
	if o := x.Override; o != nil {
		rows = append(rows, list("override", overrideLines(*o))...)
	}
	rows = append(rows, list("advice", x.Advice)...)
	rows = append(rows, list("limits", x.Limits)...)
	rows = append(rows, list("misled", x.Misled)...)
	return c.table(rows)
}

// overrideLines say what is laid over what a source says.
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

func list(title string, lines []string) [][]string {
	var rows [][]string
	for i, line := range lines {
		if i > 0 {
			title = ""
		}
		rows = append(rows, []string{title, line})
	}
	return rows
}
