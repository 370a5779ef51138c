package thunderbird

import (
	"slices"

	"autoconfig/settings"
)

// Check warns of what this format can't carry of s.
func Check(s settings.Settings) settings.Problems {
	var warnings settings.Problems
	if _, err := Resolve(s); err != nil {
		warnings.Warn("", "autoconfig is not answered: Thunderbird would change the login %q, and no placeholder "+
			"stands for it; the other formats are answered", s.IncomingLogin.Literal)
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
