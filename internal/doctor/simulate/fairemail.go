package simulate

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/autodiscover"
	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
)

// candidate is what FairEmail found in one way, with its score.
type candidate struct {
	*Setup
	score int
	tries []string
}

// What FairEmail's ways count (EmailProvider.java, getScore and Server): SRV records more
// than what is published over HTTP, but a login of its own more than both.
const (
	srvScore       = 50 + 50
	publishedScore = 20 + 20
	loginScore     = 100
)

// fairemail asks all ways, and tries what it found by the score; it knows IMAP only.
func (sim *simulation) fairemail(ctx context.Context) *Setup {
	all := slices.Concat(sim.fairemailSRV(ctx), sim.fairemailConfig(ctx), sim.fairemailPOX(ctx))
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	for _, other := range all[1:] {
		if describe(other.Setup) != describe(all[0].Setup) {
			sim.note("Where nobody can log in there, it tries %s, from %s.", describe(other.Setup), other.Origin)
		}
	}
	if tries := all[0].tries; len(tries) > 0 {
		sim.note("Where the server refuses the login, it tries %s.", strings.Join(tries, ", then "))
	}
	return all[0].Setup
}

// sameScheme: Android's HttpURLConnection follows no redirect between http and https.
func sameScheme(p probe.Page) bool {
	scheme, _, _ := strings.Cut(p.Asked, ":")
	return !slices.ContainsFunc(p.Hops, func(hop string) bool { return !strings.HasPrefix(hop, scheme+":") })
}

func (sim *simulation) fairemailConfig(ctx context.Context) []candidate {
	d, q := sim.domain, sim.rawQuery()
	var found candidate
	read := func(doc reading.Document, person reading.Person) (*reading.Account, error) {
		account, err := reading.FairEmail(doc, person)
		if err == nil {
			found.tries, found.score = account.Tries, publishedScore
		}
		if err == nil && reading.FairEmailOutranksSRV(doc, person) {
			found.score += loginScore
		}
		return account, err
	}
	found.Setup, _ = sim.tries(ctx, []string{
		atHost("https", d) + q, atDomain("https", d) + q,
		atHost("http", d) + q, atDomain("http", d) + q, database + d,
	}, asking{read, func(p probe.Page) bool { return isOK(p) && sameScheme(p) }})
	if found.Setup == nil {
		return nil
	}
	return []candidate{found}
}

func (sim *simulation) fairemailPOX(ctx context.Context) []candidate {
	for _, host := range []string{sim.domain, autodiscover.HostLabel + "." + sim.domain} {
		u := poxAt("https", host)
		p, answer, ok := sim.ask(ctx, probe.Request{
			Method: http.MethodPost,
			URL:    u,
			Body:   autodiscover.RequestFor(sim.address.String()),
			Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		})
		if !ok || !isOK(p) || !sameScheme(p) {
			sim.step("POST "+u, answer, "goes on")
			continue
		}
		account, _, err := reading.FairEmailAutodiscover(document(p), sim.person())
		if err != nil {
			sim.step("POST "+u, answer, "goes on: "+err.Error())
			continue
		}
		setup := setupOf(account, u)
		sim.step("POST "+u, answer, "takes it: "+describe(setup))
		return []candidate{{setup, publishedScore, account.Tries}}
	}
	return nil
}

// srvOf is one record with the service that it is of.
type srvOf struct {
	*dns.SRV
	label string
}

// fairemailSRV needs both directions.
func (sim *simulation) fairemailSRV(ctx context.Context) []candidate {
	in := sim.bestSRV(ctx, "_imaps._tcp", "_imap._tcp")
	// Of two that are alike it takes STARTTLS.
	out := sim.bestSRV(ctx, "_submission._tcp", "_submissions._tcp")
	if in == nil || out == nil {
		return nil
	}
	side := func(s *srvOf, standard uint16) Endpoint {
		security := settings.TLS
		if !strings.HasSuffix(s.label, "s._tcp") && s.Port == standard {
			security = settings.STARTTLS
		}
		return Endpoint{probe.Host(s.Target), strconv.Itoa(int(s.Port)), security, "", sim.address.String()}
	}
	setup := &Setup{Protocol: settings.IMAP, Incoming: side(in, 143), Outgoing: side(out, 587), Origin: "SRV"}
	return []candidate{{setup, srvScore, []string{sim.address.Local()}}}
}

// bestSRV is the record with the lowest priority, then the highest weight, of two services;
// the first one wins between records that are alike.
func (sim *simulation) bestSRV(ctx context.Context, labels ...string) *srvOf {
	var all []srvOf
	for _, label := range labels {
		name := label + "." + sim.domain
		answer, err := sim.Resolver.Ask(ctx, name, dns.TypeSRV)
		if err != nil {
			sim.step("SRV "+name, err.Error(), "goes on")
			continue
		}
		targets := answer.Services()
		if len(targets) == 0 {
			sim.step("SRV "+name, "nothing", "goes on")
			continue
		}
		sim.step("SRV "+name, answer.String(), "keeps it")
		for _, t := range targets {
			all = append(all, srvOf{t, label})
		}
	}
	if len(all) == 0 {
		return nil
	}
	best := slices.MinFunc(all, func(a, b srvOf) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.Weight, a.Weight))
	})
	return &best
}
