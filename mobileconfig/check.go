package mobileconfig

import (
	"errors"

	"autoconfig/settings"
)

// Check warns of what this format can't carry of s.
func Check(s settings.Settings) settings.Problems {
	var warnings settings.Problems
	for _, server := range []settings.Server{s.Incoming, s.Outgoing} {
		switch _, err := authentication(server); {
		case errors.Is(err, ErrPlaintext):
			warnings.Warn("", "there are no profiles for Apple's devices: %s has no TLS", server.Host)
		case errors.Is(err, ErrAuth):
			warnings.Warn("", "there are no profiles for Apple's devices: they can't name any mechanism of %s; "+
				"offer PLAIN as well", server.Host)
		case server.Security == settings.STARTTLS:
			warnings.Warn("", "a profile can't say STARTTLS: it says SSL for %s:%d, and the device must find out; "+
				"offer implicit TLS as well", server.Host, server.Port)
		}
	}
	return warnings
}
