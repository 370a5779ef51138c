package clients

import (
	"fmt"
	"slices"
	"strings"

	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// Answers are the settings that programs get for one account, depending on what they send.
type Answers struct {
	// Own is what the person should have.
	Own settings.Settings
	// Address is the answer to the address, Digest that to its digest, and Default that to
	// a request without either.
	Address, Digest, Default settings.Settings
}

// Outcome is what a program makes of one account.
type Outcome struct {
	Client
	// Gets is what it sets up by itself; zero if nothing.
	Gets Gets
	// Misled: what it sets up isn't the person's.
	Misled bool
	// ByHand: it must be set up by hand, although it sets up other accounts by itself.
	ByHand bool
	// Unsuitable: it can't have an account of this protocol at all.
	Unsuitable bool
	// Untold: it finds nothing, because no format conveys the login to it unchanged.
	Untold bool
	// Type is the spelling of the address with which it asks; "" if any will do.
	Type string
}

// Gets is what a program sets up by itself.
type Gets struct {
	Protocol settings.Protocol
	// FromSRV: it used the SRV records, which only have the domain's default.
	FromSRV bool
	// Differs lists the differences from the account's settings, for operators.
	Differs []string
}

// Keeps reports whether the person has to be told about copies on the server.
func (o Outcome) Keeps(p settings.Protocol) bool { return p == settings.POP3 && !o.Unsuitable }

// Outcomes returns what each program makes of an account, in the table's order.
func Outcomes(a Answers) []Outcome {
	all := make([]Outcome, len(table))
	for i, c := range table {
		all[i] = c.outcome(a)
	}
	return all
}

func (c Client) outcome(a Answers) Outcome {
	o := Outcome{Client: c, Unsuitable: c.Ability(a.Own.Decision.Protocol).How == Never}
	if !c.asks() {
		return o
	}
	if name := a.Own.Typed.Domain(); c.OnlyASCII && settings.UnicodeDomain(name) != name {
		o.Type = a.Own.Typed.String()
	}
	gets, fromSRV := c.answer(a), false
	o.Untold = !c.isTold(gets)
	srv := c.Lookup.SRVFirst && c.finds(a.Default.Decision.Protocol)
	if srv && (o.Untold || !c.finds(gets.Decision.Protocol) || c.leavesLogin(a.Own, gets)) {
		gets, fromSRV, o.Untold = srvSettings(a), true, false
	}
	if c.finds(gets.Decision.Protocol) && !o.Untold {
		o.Gets = Gets{gets.Decision.Protocol, fromSRV, c.differences(a.Own, gets)}
	}
	o.Misled = len(o.Gets.Differs) > 0
	o.ByHand = !o.Unsuitable && (o.Misled || o.Gets.Protocol == "")
	return o
}

// Shown returns the outcomes of programs with instructions on pages.
func Shown(all []Outcome) []Outcome {
	return slices.DeleteFunc(slices.Clone(all), func(o Outcome) bool { return !o.Shown })
}

// OfDevice returns the shown outcomes for a device, with programs that install a profile first, which is the
// shortest way.
func OfDevice(all []Outcome, device Device) []Outcome {
	var profiles, others []Outcome
	for _, o := range Shown(all) {
		switch {
		case !slices.Contains(o.Devices, device):
		case o.Profile.Has:
			profiles = append(profiles, o)
		default:
			others = append(others, o)
		}
	}
	return append(profiles, others...)
}

// Misfits names the programs that don't get an account's settings by themselves.
type Misfits struct {
	// Misled programs set up something else by themselves.
	Misled []string `json:"misled"`
	// ByHand programs must be set up by hand, though they find other accounts.
	ByHand []string `json:"by_hand"`
	// Unsuitable programs can't have an account of this protocol at all.
	Unsuitable []string `json:"unsuitable"`
}

// MisfitsOf sorts outcomes. A misled program may also be one of the others.
func MisfitsOf(all []Outcome) Misfits {
	return Misfits{
		Misled:     NamesOf(all, func(o Outcome) bool { return o.Misled }),
		ByHand:     NamesOf(all, func(o Outcome) bool { return o.ByHand }),
		Unsuitable: NamesOf(all, func(o Outcome) bool { return o.Unsuitable }),
	}
}

// NamesOf returns the names of the programs whose outcome satisfies is; never nil.
func NamesOf(all []Outcome, is func(Outcome) bool) []string {
	names := []string{}
	for _, o := range all {
		if is(o) {
			names = append(names, o.Name)
		}
	}
	return names
}

// asks reports whether anything that the domain publishes reaches the program.
func (c Client) asks() bool {
	return c.Lookup.Sends != Nothing && (c.finds(settings.IMAP) || c.finds(settings.POP3))
}

// isTold reports whether a format that the program asks for conveys the logins: autoconfig, or Autodiscover
// if its reader doesn't change them.
func (c Client) isTold(s settings.Settings) bool {
	if _, err := thunderbird.Resolve(s); err == nil || c.Lookup.Sends != Address {
		return true
	}
	return !c.ChangesNumbers && slices.ContainsFunc(c.Lookup.Places, func(p Place) bool {
		return p == DomainPOX || p == AutodiscoverPOX || p == AutodiscoverPOXHTTP
	})
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

// leavesLogin reports whether an answer leaves the login to the program: it is the typed address, or a
// placeholder for what the program tries anyway.
func (c Client) leavesLogin(own, gets settings.Settings) bool {
	local := c.Lookup.TriesLogins && gets.IncomingLogin.Pattern == "{local}"
	return local || strings.EqualFold(filled(gets.IncomingLogin, own.Typed), own.Typed.String())
}

// srvSettings are the settings from SRV records: the default's servers, and the address as login (RFC 6186,
// section 4).
func srvSettings(a Answers) settings.Settings {
	s := a.Default
	s.IncomingLogin = settings.Login{Literal: a.Own.Typed.String()}
	s.OutgoingLogin = s.IncomingLogin
	return s
}

// differences lists the differences between what a program gets and an account's settings.
func (c Client) differences(own, gets settings.Settings) []string {
	var differs []string
	server := func(a, b settings.Server) bool {
		return a.Host == b.Host && a.Port == b.Port && a.Security == b.Security
	}
	switch {
	case own.Decision.Protocol != gets.Decision.Protocol:
		differs = append(differs, fmt.Sprintf("%s instead of %s", upper(gets.Decision.Protocol),
			upper(own.Decision.Protocol)))
	case !server(own.Incoming, gets.Incoming), !server(own.Outgoing, gets.Outgoing):
		differs = append(differs, "other servers")
	case c.Retention.Has && own.Decision.POP3 != gets.Decision.POP3:
		differs = append(differs, "another time that mail stays on the server")
	}
	if !c.logsIn(own, gets) {
		differs = append(differs, "another login")
	}
	return differs
}

// logsIn reports whether the logins that a program gets or tries are the account's.
func (c Client) logsIn(own, gets settings.Settings) bool {
	in := own.IncomingLogin.Literal
	out := own.OutgoingLogin.Literal
	gotten := []string{filled(gets.IncomingLogin, own.Typed), filled(gets.OutgoingLogin, own.Typed)}
	if !c.Lookup.TriesLogins {
		return strings.EqualFold(gotten[0], in) && strings.EqualFold(gotten[1], out)
	}
	tries := append(gotten[1:], own.Typed.String(), own.Typed.Local())
	return in == out && slices.ContainsFunc(tries, func(login string) bool { return strings.EqualFold(login, in) })
}

// filled is the login of a program that fills in placeholders.
func filled(l settings.Login, typed settings.Address) string {
	if l.Literal != "" {
		return l.Literal
	}
	return strings.NewReplacer("{address}", typed.String(), "{local}", typed.Local(), "{domain}",
		typed.Domain()).Replace(l.Pattern)
}

func upper(p settings.Protocol) string { return strings.ToUpper(string(p)) }
