// Package guide says what a person has to do to set up one account on one device, for the setup page,
// setup links and the help desk.
package guide

import (
	"html/template"
	"net/url"
	"slices"
	"strings"

	"autoconfig/clients"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/lookup"
	"autoconfig/mobileconfig"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// Guide is what a person is told about one account on one device.
type Guide struct {
	Protocol string
	Programs []clients.Outcome
	// Chosen is the program whose steps are shown; nil until the person chooses one. Another
	// is set if they chose one that isn't in the table.
	Chosen  *clients.Outcome
	Another bool
	// Backup is set if the advice is a warning, shown before the steps.
	Backup bool
	// Profile is the URL of the Apple profile; "" if there can't be one.
	Profile string
	// Unsigned is set if the profile has no signature, of which devices warn.
	Unsigned  bool
	AndroidQR template.HTML
	Advice    []settings.Message
	// Reason is the reason for the protocol; nil on public pages.
	Reason             *settings.Message
	Settings           settings.Settings
	Incoming, Outgoing serverText
}

// serverText is a server in words for people.
type serverText struct {
	Host, Security, Auth, Login string
	Port                        int
}

// newGuide makes a guide that reveals nothing about the person but the protocol, which is public.
func newGuide(s settings.Settings, outcomes []clients.Outcome, device links.Device, profile string) Guide {
	g := Guide{
		Protocol: strings.ToUpper(string(s.Decision.Protocol)), Settings: s,
		Programs: clients.OfDevice(outcomes, device),
		Incoming: serverTextOf(s.Incoming, s.IncomingLogin), Outgoing: serverTextOf(s.Outgoing, s.OutgoingLogin),
		Advice: policy.Advice(s.Decision), // without what is known about the person's devices
	}
	g.Backup = s.Decision.Protocol == settings.POP3
	if mobileconfig.Expressible(&s) == nil {
		g.Profile = profile
	}
	if payload, err := thunderbird.AndroidQR(s); err == nil {
		if code, err := links.QR(string(payload)); err == nil {
			g.AndroidQR = template.HTML(code) //nolint:gosec // our own SVG, which doesn't contain the text
		}
	}
	return g
}

func serverTextOf(s settings.Server, login settings.Login) serverText {
	t := serverText{Host: s.Host, Port: s.Port, Security: string(s.Security), Login: login.Literal, Auth: "password"}
	if len(s.Auth) == 0 {
		return t
	}
	switch s.Auth[0] { // the preferred one
	case settings.AuthOAuthBearer, settings.AuthXOAuth2:
		t.Auth = "oauth2"
	case settings.AuthCramMD5, settings.AuthDigestMD5, settings.AuthNTLM:
		t.Auth = "encrypted"
	case settings.AuthExternal:
		t.Auth = "certificate"
	case settings.AuthGSSAPI:
		t.Auth = "gssapi"
	case settings.AuthNone, settings.AuthClientIP:
		t.Auth = "none"
		t.Login = ""
	}
	return t
}

// Public is for an address that anybody may type. What it says about programs follows from public
// answers alone.
func Public(a lookup.Answer, device links.Device) Guide {
	answers := clients.Answers{
		Own: a.Settings, Address: a.Settings, Digest: a.Settings,
		Default: a.Asked.Terms.DefaultSettings(a.Asked.Name),
	}
	profile := mobileconfig.Path + "?emailaddress=" + url.QueryEscape(a.Settings.Typed.String())
	return newGuide(a.Settings, clients.Outcomes(answers), device, profile)
}

// Personal is for the holder of a setup link, and for the help desk. profile is the URL of the Apple
// profile.
func Personal(a lookup.Answer, found directory.Found, device links.Device, profile string) Guide {
	g := newGuide(a.Settings, Outcomes(found, a.Settings.Typed), device, profile)
	g.Advice = a.Settings.Decision.Advice
	// In plain words: a rule's name is meant for the operator.
	g.Reason = &settings.Message{Key: "plain" + strings.TrimPrefix(a.Settings.Decision.Reason.Key, "reason")}
	return g
}

// Outcomes returns what each program makes of an address.
func Outcomes(found directory.Found, typed settings.Address) []clients.Outcome {
	standIn := settings.MustAddress(thunderbird.EvolutionUser + "@" + typed.Domain())
	return clients.Outcomes(found.Answers(typed, standIn))
}

// Device is the device that the person chose, otherwise the browser's.
func Device(chosen, userAgent string) links.Device {
	if slices.Contains(links.Devices, links.Device(chosen)) {
		return links.Device(chosen)
	}
	return links.ParseDevice(string(links.DeviceOf(userAgent)))
}
