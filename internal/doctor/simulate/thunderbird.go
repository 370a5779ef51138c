package simulate

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"autoconfig/autodiscover"
	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
)

const (
	// thunderbirdPatience is how long it waits for an answer, and databasePatience how
	// long for the database's (FetchConfig.sys.mjs).
	thunderbirdPatience = 5 * time.Second
	databasePatience    = 10 * time.Second
	// maxRedirections is how often it follows a RedirectAddr.
	maxRedirections = 2
)

// thunderbird asks all at once, and takes the best in this order (docs/clients.md,
// "Thunderbird").
func (sim *simulation) thunderbird(ctx context.Context) *Setup {
	d, q := sim.domain, sim.query()
	own := sim.provider(ctx, thunderbirdPatience,
		atHost("https", d)+q, atDomain("https", d)+q,
		atHost("http", d)+q, atDomain("http", d)+q)
	own = sim.orProvider(ctx, own, databasePatience, desktopDatabase+d)
	for _, name := range sim.mxNames(ctx) {
		own = sim.orProvider(ctx, own, thunderbirdPatience, atHost("https", name)+q)
		own = sim.orProvider(ctx, own, databasePatience, desktopDatabase+name)
	}
	// Autodiscover is always asked, and counts if nothing else does.
	found := orElse(own, sim.thunderbirdPOX(ctx, sim.domain, sim.address.String(), ""))
	if found != nil && found.Protocol != "imap" && found.Protocol != "pop3" {
		sim.note("Its first choice is an account of the type %s, which is not for IMAP or POP3.", found.Protocol)
	}
	return found
}

// orProvider asks another provider, whose answer counts only where there is none yet.
// Thunderbird ends its requests to it then.
func (sim *simulation) orProvider(ctx context.Context, own *Setup, patience time.Duration, urls ...string) *Setup {
	before := len(sim.result.Steps)
	found := sim.provider(ctx, patience, urls...)
	if own == nil {
		return found
	}
	for i := range sim.result.Steps[before:] {
		sim.result.Steps[before+i].Verdict = "asked as well, not needed"
	}
	return own
}

func orElse(a, b *Setup) *Setup {
	if a != nil {
		return a
	}
	return b
}

// patiently asks as long as a program waits for an answer.
func (sim *simulation) patiently(
	ctx context.Context, patience time.Duration, r probe.Request,
) (probe.Page, string, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return sim.ask(ctx, r)
}

func document(p probe.Page) reading.Document {
	return reading.Document{ContentType: p.Header.Get("Content-Type"), Body: p.Body}
}

func succeeded(p probe.Page) bool { return p.Status >= 200 && p.Status < 300 }

func (sim *simulation) person() reading.Person {
	// It fills in the name that the person types, which isn't known here.
	return reading.Person{Email: sim.address.String(), RealName: sim.address.String()}
}

// provider asks URLs of one provider. The first answer with a status of 200 to 299 ends
// it, even one that Thunderbird can't read: what the next URL has doesn't count.
func (sim *simulation) provider(ctx context.Context, patience time.Duration, urls ...string) *Setup {
	var taken *Setup
	ended := ""
	for _, u := range urls {
		request := "GET " + u
		p, answer, ok := sim.patiently(ctx, patience, probe.Get(u))
		if ended != "" {
			sim.step(request, answer, ended)
			continue
		}
		account, err := (*reading.Account)(nil), reading.ErrNothing
		if ok && succeeded(p) {
			account, err = reading.Thunderbird(document(p), sim.person())
		}
		switch {
		case errors.Is(err, reading.ErrNothing):
			sim.step(request, answer, "goes on")
		case err != nil:
			sim.step(request, answer, "gives up this provider: "+err.Error())
			ended = "asked as well, not looked at"
		default:
			taken = setupOf(account, u)
			sim.step(request, answer, "takes it: "+describe(taken))
			ended = "asked as well, not needed"
		}
	}
	return taken
}

// discovery is one Autodiscover look-up of Thunderbird.
type discovery struct {
	domain, email string
	// username is the first address, after a RedirectAddr.
	username string
}

// thunderbirdPOX: the first of four that answers counts; an error answer too.
func (sim *simulation) thunderbirdPOX(ctx context.Context, domain, email, username string) *Setup {
	d := discovery{domain, email, username}
	for range maxRedirections + 1 {
		setup, redirect := sim.discover(ctx, d)
		if redirect == "" {
			return setup
		}
		if d.username == "" {
			d.username = d.email
		}
		d.email = redirect
		d.domain = redirect[strings.LastIndexByte(redirect, '@')+1:]
	}
	sim.note("Autodiscover leads from one address to another more than twice: Thunderbird gives up.")
	return nil
}

func (sim *simulation) discover(ctx context.Context, d discovery) (found *Setup, redirect string) {
	urls := []string{
		poxAt("https", autodiscover.HostLabel+"."+d.domain), poxAt("https", d.domain),
		poxAt("http", autodiscover.HostLabel+"."+d.domain),
	}
	lightest := func(a, b *dns.SRV) int { return int(a.Weight) - int(b.Weight) }
	if target := sim.autodiscoverSRV(ctx, d.domain, lightest); target != "" {
		urls = append(urls, poxAt("https", target)) // the port is ignored
	}
	ended := false
	for _, u := range urls {
		p, answer, ok := sim.patiently(ctx, thunderbirdPatience, sim.postFor(u, d.email))
		if ended {
			sim.step("POST "+u, answer, "asked as well, not needed")
			continue
		}
		account, to, err := sim.readPOX(p, ok, d)
		if errors.Is(err, reading.ErrNothing) && strings.HasPrefix(u, "http:") && strings.HasPrefix(p.At(), "https:") {
			sim.step("POST "+u, answer, "asks "+p.At()+" again, since a redirect loses what was posted")
			u = p.At()
			if !sameSite(u, sim.domain) {
				sim.note("Plain http leads to %s: the program asks the person to agree.", u)
			}
			p, answer, ok = sim.patiently(ctx, thunderbirdPatience, sim.postFor(u, d.email))
			account, to, err = sim.readPOX(p, ok, d)
		}
		if errors.Is(err, reading.ErrNothing) {
			sim.step("POST "+u, answer, "goes on")
			continue
		}
		ended = true
		switch {
		case err != nil:
			sim.step("POST "+u, answer, "takes it for an answer: "+err.Error())
		case to != "":
			redirect = to
			sim.step("POST "+u, answer, "asks again for "+to)
		default:
			found = setupOf(account, u)
			sim.step("POST "+u, answer, "keeps it, in case no autoconfig is found: "+describe(found))
		}
	}
	return found, redirect
}

func (sim *simulation) readPOX(p probe.Page, ok bool, d discovery) (*reading.Account, string, error) {
	if !ok || !succeeded(p) {
		return nil, "", reading.ErrNothing
	}
	return reading.ThunderbirdAutodiscover(document(p), sim.person(), d.username)
}

// sameSite tells whether a URL's host and a domain have the same registrable domain.
func sameSite(u, domain string) bool {
	host, err := publicsuffix.EffectiveTLDPlusOne(hostOf(u))
	if err != nil {
		return false
	}
	own, err := publicsuffix.EffectiveTLDPlusOne(domain)
	return err == nil && host == own
}
