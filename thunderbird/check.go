package thunderbird

import (
	"slices"

	"autoconfig/settings"
)

// untold is the login that can't be carried.
func untold(s settings.Settings) string {
	if err := resolve(&s.IncomingLogin, s); err != nil {
		return s.IncomingLogin.Literal
	}
	return s.OutgoingLogin.Literal
}

// Check warns of what this format can't carry of s.
func Check(s settings.Settings) settings.Problems {
	var warnings settings.Problems
	if _, err := Resolve(s); err != nil {
		warnings.Warn("", "autoconfig is not answered, nor Thunderbird by Autodiscover: it would change the login %q, "+
			"and no placeholder stands for it; other programs are told by Autodiscover, by profiles and by Evolution's "+
			"digest", untold(s))
	}
	for _, side := range []struct {
		name   string
		server settings.Server
	}{{"incoming", s.Incoming}, {"outgoing", s.Outgoing}} {
		usable := slices.ContainsFunc(authentication(side.server.Auth), func(m string) bool {
			return m != "OAuth2" && m != "TLS-client-cert"
		})
		if !usable {
			warnings.Warn("", "Thunderbird refuses the %s server %s: it takes OAuth2 only from providers that are built in, "+
				"and no client certificates; offer a password mechanism as well", side.name, side.server.Host)
		}
	}
	return warnings
}
