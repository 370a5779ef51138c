package clients_test

import (
	"fmt"

	"autoconfig/clients"
	"autoconfig/settings"
)

// An account with POP3 in a domain whose default is IMAP: who sets up the wrong one?
func ExampleOutcomes() {
	typed := settings.MustAddress("workshop@example.com")
	login := settings.Login{Literal: typed.String(), Pattern: "{address}"}
	with := func(p settings.Protocol, host string) settings.Settings {
		return settings.Settings{
			Typed: typed, Decision: settings.Decision{Protocol: p}, IncomingLogin: login, OutgoingLogin: login,
			Incoming: settings.Server{Host: host, Port: settings.RegisteredPort(p, settings.TLS), Security: settings.TLS},
		}
	}
	own := with(settings.POP3, "pop.example.com")
	all := clients.Outcomes(clients.Answers{Own: own, Address: own, Digest: own, Default: with(settings.IMAP, "imap.example.com")})
	for _, o := range all {
		if o.Misled {
			fmt.Println(o.Name, "sends", o.Lookup.Sends)
		}
	}
	// Output:
	// Thunderbird for Android sends no address
	// K-9 Mail sends no address
	// KMail sends no address
	// Geary sends no address
	// eM Client sends the address
	// FairEmail sends the address
	// Delta Chat sends no address
}
