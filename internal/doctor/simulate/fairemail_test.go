package simulate

import (
	"strings"
	"testing"

	"autoconfig/clients"
	"autoconfig/settings"
)

// The simulation and the table of programs say the same of FairEmail: where it believes
// the SRV records, and with which login it ends up.
func TestFairEmailIsOneProgram(t *testing.T) {
	t.Parallel()
	fred := settings.MustAddress("fred@example.com")
	for name, c := range map[string]struct {
		login   settings.Login
		fromSRV bool
		want    string // the first login
		misled  bool
	}{
		"the address":        {settings.Login{Literal: "fred@example.com", Pattern: "{address}"}, true, "fred@example.com", false},
		"the local part":     {settings.Login{Literal: "fred", Pattern: "{local}"}, true, "fred@example.com", false},
		"the local part own": {settings.Login{Literal: "fred"}, false, "fred", false},
		"two placeholders":   {settings.Login{Literal: "fred%example.com", Pattern: "{local}%{domain}"}, false, "fred%example.com", false},
		"a login of its own": {settings.Login{Literal: "log77"}, false, "log77", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.terms.Settings(fred, w.terms.Unknown(fred))
			s.IncomingLogin, s.OutgoingLogin = c.login, c.login
			w.service(s)
			got := w.simulate(t, "fairemail")
			if got.Account == nil || (got.Account.Origin == "SRV") != c.fromSRV || got.Account.Incoming.Username != c.want {
				t.Fatalf("the simulation: %+v", got)
			}
			byDefault := s
			byDefault.IncomingLogin.Literal, byDefault.OutgoingLogin.Literal = "", ""
			for _, o := range clients.Outcomes(clients.Answers{Own: s, Address: s, Digest: s, Default: byDefault}) {
				if o.Simulation == "fairemail" && (o.Gets.FromSRV != c.fromSRV || o.Misled != c.misled) {
					t.Errorf("the table: %+v", o.Gets)
				}
			}
			tries := append(strings.Split(strings.Join(got.Notes, ", then "), ", then "), got.Account.Incoming.Username)
			if !strings.Contains(strings.Join(tries, " "), c.login.Literal) {
				t.Errorf("it never tries %q: %v", c.login.Literal, tries)
			}
		})
	}
}
