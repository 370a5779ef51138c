package autodiscover

import (
	"errors"

	"autoconfig/settings"
)

// Check warns of what this format can't carry of s.
func Check(s settings.Settings) settings.Problems {
	var warnings settings.Problems
	switch err := expressible(s); {
	case errors.Is(err, ErrPlaintext):
		warnings.Warn("", "Autodiscover answers error 501: Outlook can't be told of a server without TLS safely")
	case errors.Is(err, ErrAuth):
		warnings.Warn("", "Autodiscover answers error 501: Outlook can't be told of a server without a password mechanism")
	}
	for _, side := range []struct {
		protocol settings.Protocol
		server   settings.Server
	}{{s.Decision.Protocol, s.Incoming}, {settings.SMTP, s.Outgoing}} {
		if side.server.Security != settings.STARTTLS {
			continue
		}
		if side.server.Port == settings.RegisteredPort(side.protocol, settings.STARTTLS) {
			warnings.Warn("", "Autodiscover can't say STARTTLS clearly: programs must guess it for %s:%d from the port; "+
				"offer implicit TLS as well", side.server.Host, side.server.Port)
		} else {
			warnings.Warn("", "Autodiscover can't say STARTTLS at port %d of %s: Thunderbird takes it for implicit TLS "+
				"and fails; offer implicit TLS, or STARTTLS at the registered port", side.server.Port, side.server.Host)
		}
	}
	return warnings
}
