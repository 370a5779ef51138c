package simulate

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
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

// asking is how a program asks URLs one after the other.
type asking struct {
	read func(reading.Document, reading.Person) (*reading.Account, error)
	// answers tells whether a page counts as an answer.
	answers func(probe.Page) bool
}

// errEnded means that a program looks no further.
var errEnded = errors.New("the search ended")

// tries asks URLs one after the other, and takes the first document that the program
// makes an account of. It ends with errEnded where the program does.
func (sim *simulation) tries(ctx context.Context, urls []string, a asking) (*Setup, error) {
	for _, u := range urls {
		request := "GET " + u
		p, answer, ok := sim.get(ctx, u)
		if !ok || !a.answers(p) {
			sim.step(request, answer, "goes on")
			continue
		}
		account, err := a.read(document(p), sim.person())
		switch {
		case err == nil:
			setup := setupOf(account, u)
			sim.step(request, answer, "takes it: "+describe(setup))
			return setup, nil
		case reading.Ends(err):
			sim.step(request, answer, "stops: "+err.Error())
			return nil, errEnded
		}
		sim.step(request, answer, "goes on: "+err.Error())
	}
	return nil, nil
}

func isOK(p probe.Page) bool { return p.Status == http.StatusOK }

func (sim *simulation) query() string {
	return "?emailaddress=" + url.QueryEscape(sim.address.String())
}

// rawQuery is how FairEmail and Nextcloud write it: as it is.
func (sim *simulation) rawQuery() string { return "?emailaddress=" + sim.address.String() }

// android asks without an address, and knows IMAP only.
func (sim *simulation) android(ctx context.Context) *Setup {
	a := asking{reading.Android, isOK}
	d := sim.domain
	urls := []string{
		atHost("https", d), atDomain("https", d),
		atHost("http", d), atDomain("http", d), database + d,
	}
	setup, _ := sim.tries(ctx, urls, a)
	if setup == nil {
		for _, name := range sim.mxNames(ctx) {
			if setup, _ = sim.tries(ctx, []string{atHost("https", name), database + name}, a); setup != nil {
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

// kmail asks the provider database first, and nothing with an address. It reads what
// comes with any status: only 200 ends its search, even with what it can't read. It
// follows no redirect that leaves https.
func (sim *simulation) kmail(ctx context.Context) *Setup {
	d := sim.domain
	var found *Setup
	for _, u := range []string{database + d, atHost("https", d), atHost("http", d), atDomain("https", d)} {
		request := "GET " + u
		p, answer, ok := sim.get(ctx, u)
		if !ok || p.Downgraded() {
			sim.step(request, answer, "goes on")
			continue
		}
		last := isOK(p)
		account, err := reading.KMail(document(p), sim.person())
		switch {
		case err == nil:
			found = setupOf(account, u)
			after := ", and goes on: what comes later counts more"
			if last {
				after = ""
			}
			sim.step(request, answer, "takes it: "+describe(found)+after)
		case last:
			sim.step(request, answer, "stops: "+err.Error())
		default:
			sim.step(request, answer, "goes on")
		}
		if last {
			break
		}
	}
	return found
}

// deltachat drops the query, ignores the status, and knows IMAP only.
func (sim *simulation) deltachat(ctx context.Context) *Setup {
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
		account, err := reading.DeltaChat(document(p), sim.person())
		if setup, done := sim.deltachatStep(u, answer, account, err); done {
			return setup
		}
	}
	for _, host := range []string{d, autodiscover.HostLabel + "." + d} {
		if setup, done := sim.deltachatPOX(ctx, poxAt("https", host)); done {
			return setup
		}
	}
	setup, _ := sim.tries(ctx, []string{database + d}, asking{reading.DeltaChat, isOK})
	return setup
}

// deltachatStep says what becomes of an answer; true where the search ends.
func (sim *simulation) deltachatStep(u, answer string, account *reading.Account, err error) (*Setup, bool) {
	switch {
	case err == nil:
		setup := setupOf(account, u)
		sim.step("GET "+u, answer, "takes it: "+describe(setup))
		return setup, true
	case reading.Ends(err):
		sim.step("GET "+u, answer, "stops: "+err.Error())
		return nil, true
	}
	sim.step("GET "+u, answer, "goes on: "+err.Error())
	return nil, false
}

// maxDeltaChatRedirects is how many addresses it asks, one leading to the next.
const maxDeltaChatRedirects = 10

func (sim *simulation) deltachatPOX(ctx context.Context, u string) (*Setup, bool) {
	for range maxDeltaChatRedirects {
		p, answer, ok := sim.get(ctx, u)
		if !ok {
			sim.step("GET "+u, answer, "goes on")
			return nil, false
		}
		account, to, err := reading.DeltaChatAutodiscover(document(p), sim.person())
		if to.URL == "" {
			return sim.deltachatStep(u, answer, account, err)
		}
		sim.step("GET "+u, answer, "follows to "+to.URL)
		u = to.URL
	}
	return nil, false
}

// maxNextcloudRedirects is Guzzle's number.
const maxNextcloudRedirects = 5

// nextcloud takes the first IMAP and the first SMTP server, whatever is in them, from any
// page that isn't an error.
func (sim *simulation) nextcloud(ctx context.Context) *Setup {
	a := asking{reading.Nextcloud, func(p probe.Page) bool {
		return p.Status < 400 && len(p.Hops) <= maxNextcloudRedirects
	}}
	q := sim.rawQuery()
	at := func(d string) []string {
		return []string{
			atHost("https", d) + q, atDomain("https", d) + q, database + d,
			atHost("http", d) + q, atDomain("http", d) + q,
		}
	}
	setup, err := sim.tries(ctx, at(sim.domain), a)
	if setup != nil || err != nil {
		return setup
	}
	for _, name := range sim.nextcloudMX(ctx) {
		if setup, err = sim.tries(ctx, at(name), a); setup != nil || err != nil {
			return setup
		}
	}
	return nil
}
