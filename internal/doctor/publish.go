package doctor

import (
	"bytes"
	"context"
	"slices"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/pacc"
	"autoconfig/policy"
)

// Documents keeps what is served and what waits, by domain name. The store
// implements it.
type Documents interface {
	PACC(ctx context.Context, name string) (served, waiting []byte, err error)
	PutPACC(ctx context.Context, name string, served, waiting []byte) error
}

// Publisher brings PACC documents from the policy to what is served. A program
// refuses a document whose digest isn't in the DNS, so a changed one waits until
// every server of the zone has its digest; the old one serves until then.
type Publisher struct {
	Documents Documents
	// Prober asks the zones' servers; without one, changed documents wait.
	Prober *probe.Prober
}

// Publication is where a domain's document stands.
type Publication struct {
	Domain string `json:"domain"`
	// Served and Waiting are the documents, "" for none, and the texts to publish
	// at Owner.
	Served     string `json:"served"`
	ServedTXT  string `json:"served_txt,omitempty"`
	Waiting    string `json:"waiting,omitempty"`
	WaitingTXT string `json:"waiting_txt,omitempty"`
	Owner      string `json:"owner"`
	// Why says why there is no document, or why one waits.
	Why string `json:"why,omitempty"`
}

// Settle compares a name's document with the policy, and puts a changed one in
// the place of the served one if its digest is seen everywhere, or by force.
func (p Publisher) Settle(ctx context.Context, name string, terms *policy.Terms, force bool) (Publication, error) {
	state := Publication{Domain: name, Owner: pacc.Label + "." + dns.Fqdn(name)}
	served, waiting, err := p.Documents.PACC(ctx, name)
	if err != nil {
		return state, err
	}
	wanted, refused := pacc.Render(terms.DefaultSettings(name))
	nextServed, nextWaiting := served, []byte(nil)
	switch {
	case refused != nil:
		// What is served would be wrong now: nothing is better, programs go on.
		nextServed, state.Why = nil, refused.Error()
	case served == nil:
		nextServed = wanted // nobody relies on a document that was never there
	case !bytes.Equal(served, wanted):
		if !force {
			state.Why = p.unseen(ctx, name, pacc.DigestOf(wanted))
		}
		if state.Why == "" {
			nextServed = wanted
		} else {
			nextWaiting = wanted
		}
	}
	if !bytes.Equal(served, nextServed) || !bytes.Equal(waiting, nextWaiting) {
		if err := p.Documents.PutPACC(ctx, name, nextServed, nextWaiting); err != nil {
			return state, err
		}
	}
	state.Served, state.Waiting = string(nextServed), string(nextWaiting)
	if nextServed != nil {
		state.ServedTXT = pacc.DigestOf(nextServed).TXT()
	}
	if nextWaiting != nil {
		state.WaitingTXT = pacc.DigestOf(nextWaiting).TXT()
	}
	return state, nil
}

// unseen tells which server of the zone doesn't have a digest, "" if all do.
func (p Publisher) unseen(ctx context.Context, name string, digest pacc.Digest) string {
	if p.Prober == nil {
		return "there is no resolver to ask for the zone's servers"
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	servers, err := p.Prober.NameServers(ctx, name)
	if err != nil {
		return "the zone's servers can't be asked: " + err.Error()
	}
	for _, server := range servers {
		answer, err := p.Prober.AskServer(ctx, server, name, pacc.Label+"."+name, dns.TypeTXT)
		if err != nil {
			return server + " can't be asked: " + err.Error()
		}
		if !slices.ContainsFunc(answer.Texts(), func(text string) bool {
			d, err := pacc.ParseTXT(text)
			return err == nil && d.Equal(digest)
		}) {
			return "its digest is not at " + server + " yet"
		}
	}
	if len(servers) == 0 {
		return "the zone has no servers"
	}
	return ""
}
