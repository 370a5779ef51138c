package simulate

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

const (
	// The public provider databases.
	desktopDatabase = "https://live.thunderbird.net/autoconfig/v1.1/"
	database        = "https://autoconfig.thunderbird.net/v1.1/"
)

// atHost is where a domain's special name has the document.
func atHost(scheme, domain string) string {
	return scheme + "://" + thunderbird.HostLabel + "." + domain + thunderbird.Path
}

// atDomain is where a domain's own host has it.
func atDomain(scheme, domain string) string {
	return scheme + "://" + domain + thunderbird.PathWellKnown
}

// tries asks URLs one after the other, and reads the first document that the
// program takes. What stops it is for each program to say.
func (sim *simulation) tries(ctx context.Context, urls []string, r traits, stops func(probe.Page) bool) *Setup {
	for _, u := range urls {
		request := "GET " + u
		p, answer, ok := sim.get(ctx, u)
		if !ok || p.Status != http.StatusOK {
			sim.step(request, answer, "goes on")
			continue
		}
		setup, err := sim.document(p, r)
		if err == nil {
			setup.Origin = u
			sim.step(request, answer, "takes it: "+describe(setup))
			return setup
		}
		if stops(p) {
			sim.step(request, answer, "stops: "+err.Error())
			return nil
		}
		sim.step(request, answer, "goes on: "+err.Error())
	}
	return nil
}

func (sim *simulation) document(p probe.Page, r traits) (*Setup, error) {
	if r.reader != nil {
		account, err := r.reader(document(p), sim.person())
		if err != nil {
			return nil, err
		}
		return setupOf(account, ""), nil
	}
	c, err := thunderbird.Parse(p.Body)
	if err != nil {
		return nil, err
	}
	return sim.read(c, r)
}

func never(probe.Page) bool { return false }

func (sim *simulation) query() string {
	return "?emailaddress=" + url.QueryEscape(sim.address.String())
}

// rawQuery is how FairEmail and Nextcloud write it: as it is.
func (sim *simulation) rawQuery() string { return "?emailaddress=" + sim.address.String() }

// android asks without an address, and knows IMAP only.
func (sim *simulation) android(ctx context.Context) *Setup {
	r := traits{reader: reading.Android}
	d := sim.domain
	urls := []string{
		atHost("https", d), atDomain("https", d),
		atHost("http", d), atDomain("http", d), database + d,
	}
	setup := sim.tries(ctx, urls, r, never)
	if setup == nil {
		for _, name := range sim.mxNames(ctx) {
			if setup = sim.tries(ctx, []string{atHost("https", name), database + name}, r, never); setup != nil {
				sim.note("It was found by the MX: the app asks the person to agree.")
				break
			}
		}
	}
	if setup == nil {
		sim.result.Why = "it finds no IMAP account; a POP3 account needs its QR code (autoconfig render thunderbird-android)"
	} else if strings.HasPrefix(setup.Origin, "http:") {
		sim.note("It was found over plain http: the app asks the person to agree.")
	}
	return setup
}

// kmail asks the provider database first, and nothing with an address.
func (sim *simulation) kmail(ctx context.Context) *Setup {
	r := traits{protocols: []settings.Protocol{settings.IMAP, settings.POP3}, known: passwords}
	d := sim.domain
	setup := sim.tries(ctx, []string{
		database + d, atHost("https", d), atHost("http", d), atDomain("https", d),
	}, r, func(probe.Page) bool { return true })
	return setup
}

// deltachat drops the query, ignores the status, and knows IMAP only.
func (sim *simulation) deltachat(ctx context.Context) *Setup {
	r := traits{reader: reading.DeltaChat}
	d := sim.domain
	for _, u := range []string{atHost("https", d), atDomain("https", d)} {
		p, answer, ok := sim.get(ctx, u)
		if !ok {
			sim.step("GET "+u, answer, "goes on")
			continue
		}
		if !strings.Contains(string(p.Body), "<") {
			sim.step("GET "+u, answer, "stops: a text without tags is an empty configuration to it")
			sim.result.Why = "a page without tags ended its search"
			return nil
		}
		setup, err := sim.document(p, r)
		if err != nil {
			sim.step("GET "+u, answer, "goes on: "+err.Error())
			continue
		}
		setup.Origin = u
		sim.step("GET "+u, answer, "takes it: "+describe(setup))
		return setup
	}
	for _, host := range []string{d, autodiscover.HostLabel + "." + d} {
		u := poxAt("https", host)
		p, answer, ok := sim.get(ctx, u)
		if ok {
			if reply, err := autodiscover.ParseResponse(p.Body); err == nil && reply.Error == nil {
				if setup := sim.fromPOX(reply, []string{"IMAP"}); setup != nil {
					setup.Origin = u
					setup.Incoming.Username, setup.Outgoing.Username = sim.address.String(), sim.address.String() // it ignores LoginName
					sim.step("GET "+u, answer, "takes it: "+describe(setup))
					return setup
				}
			}
		}
		sim.step("GET "+u, answer, "goes on")
	}
	setup := sim.tries(ctx, []string{database + d}, r, never)
	return setup
}

// nextcloud takes the first IMAP and the first SMTP server, whatever their
// authentication.
func (sim *simulation) nextcloud(ctx context.Context) *Setup {
	r := traits{protocols: []settings.Protocol{settings.IMAP}, anyAuth: true}
	d, q := sim.domain, sim.rawQuery()
	setup := sim.tries(ctx, []string{
		atHost("https", d) + q, atDomain("https", d) + q, database + d,
		atHost("http", d) + q, atDomain("http", d) + q,
	}, r, never)
	if setup == nil {
		for _, name := range sim.mxNames(ctx) {
			if setup = sim.tries(ctx, []string{atHost("https", name) + q, database + name}, r, never); setup != nil {
				break
			}
		}
	}
	return setup
}
