package simulate

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"autoconfig/mobileconfig"
	"autoconfig/settings"
)

// apple asks nothing: the person opens a profile.
func (sim *simulation) apple(ctx context.Context) *Setup {
	if sim.ProfileHost == "" {
		sim.result.Why = "it asks the domain nothing, and no profile of it is known here"
		return nil
	}
	u := "https://" + sim.ProfileHost + mobileconfig.Path + "?emailaddress=" + url.QueryEscape(sim.address.String())
	p, answer, ok := sim.get(ctx, u)
	if !ok || p.Status != http.StatusOK || p.Header.Get("Content-Type") != mobileconfig.MediaType {
		sim.step("GET "+u, answer, "doesn't offer to install it")
		return nil
	}
	profile, err := mobileconfig.Parse(p.Body)
	if err != nil {
		sim.step("GET "+u, answer, err.Error())
		return nil
	}
	side := func(s mobileconfig.Endpoint) Endpoint {
		security := settings.None
		if s.UseSSL {
			security = settings.TLS
		}
		return Endpoint{s.Host, strconv.Itoa(s.Port), security, s.Authentication, s.Username}
	}
	s := &Setup{Protocol: profile.Protocol, Incoming: side(profile.Incoming), Outgoing: side(profile.Outgoing), Origin: u}
	sim.step("GET "+u, answer, "the person installs it: "+describe(s))
	if !profile.Signed {
		sim.note("The profile isn't signed: the device says so.")
	}
	return s
}
