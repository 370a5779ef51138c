package clients

import (
	"fmt"
	"strings"

	"autoconfig/settings"
)

// Answers are what one account gets, by what a program tells of it.
type Answers struct {
	// Own is what the person should have.
	Own settings.Settings
	// Address is the answer to the whole address, Digest the one to its digest, and
	// Default the one to a request that doesn't say for whom it is.
	Address, Digest, Default settings.Settings
}

// Outcome is what a program makes of one account.
type Outcome struct {
	Client
	// Misled: what it sets up by itself isn't the person's, but what Gets says.
	Misled bool
	Gets   []string
	// ByHand: it must be set up by hand, though it sets up others by itself.
	ByHand bool
	// Impossible: it can't have an account of this protocol at all.
	Impossible bool
	// FromSRV: it believed the SRV records, and so got the domain's default.
	FromSRV bool
}

// Keeps tells whether it matters what the person tells it of copies on the server.
func (o Outcome) Keeps(p settings.Protocol) bool { return p == settings.POP3 && !o.Impossible }

// Outcomes say what each program makes of an account, in the table's order.
func Outcomes(a Answers) []Outcome {
	all := make([]Outcome, len(table))
	for i, c := range table {
		all[i] = c.outcome(a)
	}
	return all
}

func (c Client) outcome(a Answers) Outcome {
	o := Outcome{Client: c, Impossible: c.Ability(a.Own.Decision.Protocol).How == Never}
	if !c.asks() {
		return o
	}
	gets := c.answer(a)
	if c.Lookup.SRVFirst && c.finds(a.Default.Decision.Protocol) && (!c.finds(gets.Decision.Protocol) || byAddress(a.Own, gets)) {
		gets, o.FromSRV = fromSRV(a), true
	}
	if c.finds(gets.Decision.Protocol) {
		o.Gets = differences(a.Own, gets, c.Retention.Has)
		o.Misled = len(o.Gets) > 0
	}
	o.ByHand = !o.Impossible && (o.Misled || !c.finds(gets.Decision.Protocol))
	return o
}

// asks tells whether anything that the domain says reaches the program.
func (c Client) asks() bool {
	return c.Lookup.Sends != Nothing && (c.finds(settings.IMAP) || c.finds(settings.POP3))
}

func (c Client) answer(a Answers) settings.Settings {
	switch c.Lookup.Sends {
	case Address:
		return a.Address
	case Digest:
		return a.Digest
	default:
		return a.Default
	}
}

// byAddress tells whether the logins are the address that was typed.
func byAddress(own, gets settings.Settings) bool {
	return strings.EqualFold(filled(gets.IncomingLogin, own.Typed), own.Typed.String())
}

// fromSRV are the settings that SRV records give: the default's servers, and the
// address as login (RFC 6186, section 4).
func fromSRV(a Answers) settings.Settings {
	s := a.Default
	s.IncomingLogin = settings.Login{Literal: a.Own.Typed.String()}
	s.OutgoingLogin = s.IncomingLogin
	return s
}

// differences say in what the settings that a program gets differ from an account's.
func differences(own, gets settings.Settings, retention bool) []string {
	var differs []string
	server := func(a, b settings.Server) bool {
		return a.Host == b.Host && a.Port == b.Port && a.Security == b.Security
	}
	switch {
	case own.Decision.Protocol != gets.Decision.Protocol:
		differs = append(differs, fmt.Sprintf("%s instead of %s", upper(gets.Decision.Protocol), upper(own.Decision.Protocol)))
	case !server(own.Incoming, gets.Incoming), !server(own.Outgoing, gets.Outgoing):
		differs = append(differs, "other servers")
	case retention && own.Decision.POP3 != gets.Decision.POP3:
		differs = append(differs, "another time that mail stays on the server")
	}
	for _, login := range [][2]settings.Login{{own.IncomingLogin, gets.IncomingLogin}, {own.OutgoingLogin, gets.OutgoingLogin}} {
		if !strings.EqualFold(filled(login[1], own.Typed), login[0].Literal) {
			return append(differs, "another login")
		}
	}
	return differs
}

// filled is a login as a program has it that fills placeholders from what was typed.
func filled(l settings.Login, typed settings.Address) string {
	if l.Literal != "" {
		return l.Literal
	}
	return strings.NewReplacer("{address}", typed.String(), "{local}", typed.Local(), "{domain}", typed.Domain()).Replace(l.Pattern)
}

func upper(p settings.Protocol) string { return strings.ToUpper(string(p)) }
