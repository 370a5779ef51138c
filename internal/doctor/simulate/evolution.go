package simulate

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
	"autoconfig/thunderbird"
)

// evolution asks one place after the other, with a stand-in and a digest. The first
// answer that its reader goes through ends it, with what is in it.
func (sim *simulation) evolution(ctx context.Context) *Setup {
	sum := md5.Sum([]byte(strings.ToLower(sim.address.String())))
	q := "?emailaddress=" + url.QueryEscape(thunderbird.EvolutionUser+"@"+sim.domain) +
		"&emailmd5=" + hex.EncodeToString(sum[:])
	setup, after := sim.evolutionAt(ctx, sim.domain, q)
	if after == notFound {
		return sim.evolutionByNameServer(ctx, q[strings.Index(q, "&"):])
	}
	return setup
}

// after is what Evolution does after it has looked at a domain.
type after string

const (
	ended    after = "ended"
	notFound after = "not found" // by the last place, with 404
	failed   after = "failed"
)

// evolutionByNameServer looks at the domain of the first name server, and at those above.
func (sim *simulation) evolutionByNameServer(ctx context.Context, digest string) *Setup {
	answer, err := sim.Resolver.Ask(ctx, sim.domain, dns.TypeNS)
	request := "NS " + sim.domain
	if err != nil || len(answer.Records) == 0 {
		sim.step(request, "nothing", "stops")
		return nil
	}
	// GLib turns the order round, so that the last one of the answer is the first.
	name := probe.Host(answer.Records[len(answer.Records)-1].(*dns.NS).Ns)
	sim.step(request, name, "asks autoconfig there, and above")
	for strings.Contains(name, ".") {
		q := "?emailaddress=" + url.QueryEscape(thunderbird.EvolutionUser+"@"+name) + digest
		setup, after := sim.evolutionAt(ctx, name, q)
		if after != notFound {
			return setup
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return nil
}

func (sim *simulation) evolutionAt(ctx context.Context, d, q string) (*Setup, after) {
	last := failed
	for _, u := range []string{
		atHost("https", d) + q, atHost("http", d) + q,
		atDomain("https", d) + q, atDomain("http", d) + q, database + d,
	} {
		request := "GET " + u
		p, answer, ok := sim.get(ctx, u)
		if p.Chunked && answer == io.ErrUnexpectedEOF.Error() {
			ok = true // to libsoup, pieces are all there is, with or without the last one
		}
		last = failed
		switch {
		case !ok && succeeded(p):
			sim.step(request, answer, "stops: the answer is cut")
			return nil, ended
		case !ok || !succeeded(p):
			if ok && p.Status == http.StatusNotFound {
				last = notFound
			}
			sim.step(request, answer, "goes on")
			continue
		}
		account, err := reading.Evolution(document(p), sim.person())
		switch {
		case err == nil:
			setup := setupOf(account, u)
			sim.evolutionNotes(account)
			sim.step(request, answer, "takes it: "+describe(setup))
			return setup, ended
		case reading.Ends(err):
			sim.step(request, answer, "stops: "+err.Error())
			return nil, ended
		}
		sim.step(request, answer, "goes on: "+err.Error())
	}
	return nil, last
}

// evolutionNotes say what the person must still do.
func (sim *simulation) evolutionNotes(a *reading.Account) {
	if a.Incoming.Host == "" || a.Incoming.Port == 0 || a.Incoming.Username == "" {
		sim.note("What it finds of the incoming server isn't all: the person must fill in the rest.")
	}
	if a.Outgoing.Host == "" {
		sim.note("It finds no outgoing server: the person must fill it in.")
	}
	for _, other := range a.Others {
		sim.note("It offers %s at %s as well.", strings.ToUpper(other.Type), other.Host)
	}
}
