package doctor

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/pacc"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Documents are the PACC documents of a name: the one that is served and the one
// that waits for its digest in the DNS, nil for none.
type Documents struct {
	Name            string
	Served, Waiting []byte
}

// Equal tells whether the same is served and the same waits.
func (d Documents) Equal(other Documents) bool {
	return bytes.Equal(d.Served, other.Served) && bytes.Equal(d.Waiting, other.Waiting)
}

// DocumentChange is what was read of a name, and what is to come in its place.
type DocumentChange struct{ Before, After Documents }

// ErrDocumentsChanged means that somebody else, another replica or a command, has
// changed a name's documents since they were read. They stay as they are.
var ErrDocumentsChanged = errors.New("the PACC documents have been changed by somebody else meanwhile; try again")

// DocumentStore keeps documents. The store implements it.
type DocumentStore interface {
	PACC(ctx context.Context, name string) (Documents, error)
	// ReplacePACC makes each change whose Before is what is kept. For the others it
	// gives [ErrDocumentsChanged].
	ReplacePACC(ctx context.Context, changes ...DocumentChange) error
}

// Publisher brings PACC documents from the policy to what is served. A program
// refuses a document whose digest isn't in the DNS, so a changed one waits until
// every server of the zone has its digest; the old one serves until then.
type Publisher struct {
	Documents DocumentStore
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

// Reconcile compares a name's document with the policy, and puts a changed one in
// the place of the served one if its digest is seen everywhere, or by force. It may
// take half a minute to ask; documents that somebody else has changed in that time
// stay, as [ErrDocumentsChanged].
func (p Publisher) Reconcile(ctx context.Context, name string, terms *policy.Terms, force bool) (Publication, error) {
	before, err := p.Documents.PACC(ctx, name)
	if err != nil {
		return Publication{}, err
	}
	after, why := p.next(ctx, before, terms.DefaultSettings(name), force)
	if !after.Equal(before) {
		if err := p.Documents.ReplacePACC(ctx, DocumentChange{before, after}); err != nil {
			return Publication{}, err
		}
	}
	return publication(after, why), nil
}

// next is what should be published after what is, and why there is no document or
// why one waits.
func (p Publisher) next(ctx context.Context, now Documents, s settings.Settings, force bool) (after Documents, why string) {
	after.Name = now.Name
	wanted, err := pacc.Render(s)
	switch {
	case err != nil:
		// What is served would be wrong now: nothing is better, programs go on.
		return after, err.Error()
	case now.Served != nil && !bytes.Equal(now.Served, wanted) && !force:
		if why = p.unseen(ctx, now.Name, pacc.DigestOf(wanted)); why != "" {
			after.Served, after.Waiting = now.Served, wanted
			return after, why
		}
	}
	// A document that was never there needs no digest: nobody relies on it.
	after.Served = wanted
	return after, ""
}

func publication(d Documents, why string) Publication {
	p := Publication{
		Domain: d.Name, Owner: pacc.Label + "." + dns.Fqdn(d.Name), Why: why,
		Served: string(d.Served), Waiting: string(d.Waiting),
	}
	if d.Served != nil {
		p.ServedTXT = pacc.DigestOf(d.Served).TXT()
	}
	if d.Waiting != nil {
		p.WaitingTXT = pacc.DigestOf(d.Waiting).TXT()
	}
	return p
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
