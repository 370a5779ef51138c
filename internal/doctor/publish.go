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

// Documents are the PACC documents of a name: the served one, and one that waits for its
// digest to appear in the DNS; nil for none.
type Documents struct {
	Name            string
	Served, Waiting []byte
}

// Equal reports whether both have the same documents.
func (d Documents) Equal(other Documents) bool {
	return bytes.Equal(d.Served, other.Served) && bytes.Equal(d.Waiting, other.Waiting)
}

// DocumentChange is a change of a name's documents from what was read.
type DocumentChange struct{ Before, After Documents }

// ErrDocumentsChanged means that another replica or a command has changed a name's
// documents since they were read. They were left alone.
var ErrDocumentsChanged = errors.New("the PACC documents have been changed by somebody else meanwhile; try again")

// DocumentStore keeps documents. The store implements it.
type DocumentStore interface {
	PACC(ctx context.Context, name string) (Documents, error)
	// ReplacePACC makes each change whose Before is what is stored, and returns
	// [ErrDocumentsChanged] if that isn't true of all.
	ReplacePACC(ctx context.Context, changes ...DocumentChange) error
}

// Publisher updates the served PACC documents to the policy. A program refuses a document
// whose digest isn't in the DNS, so a changed document waits until every server of the zone
// has its digest, and the old one is served until then.
type Publisher struct {
	Documents DocumentStore
	// Prober asks the zone's servers; without one, changed documents wait.
	Prober *probe.Prober
}

// Publication is the state of a domain's document.
type Publication struct {
	Domain string `json:"domain"`
	// Served and Waiting are the documents, "" for none; ServedTXT and WaitingTXT are their
	// digests, to publish at Owner.
	Served     string `json:"served"`
	ServedTXT  string `json:"served_txt,omitempty"`
	Waiting    string `json:"waiting,omitempty"`
	WaitingTXT string `json:"waiting_txt,omitempty"`
	Owner      string `json:"owner"`
	// Why says why there is no document or why one waits.
	Why string `json:"why,omitempty"`
}

// Reconcile compares a name's document with the policy, and replaces the served one if the
// new digest is seen everywhere, or if force is set. Asking may take half a minute; if the
// documents are changed meanwhile, it returns [ErrDocumentsChanged].
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

// next returns the documents that should replace the current ones, and why there is none or
// why one waits.
func (p Publisher) next(
	ctx context.Context, now Documents, s settings.Settings, force bool,
) (after Documents, why string) {
	after.Name = now.Name
	wanted, err := pacc.Render(s)
	switch {
	case err != nil:
		// The served one would be wrong, and without any, programs use other ways.
		return after, err.Error()
	case now.Served != nil && !bytes.Equal(now.Served, wanted) && !force:
		if why = p.unseen(ctx, now.Name, pacc.DigestOf(wanted)); why != "" {
			after.Served = now.Served
			after.Waiting = wanted
			return after, why
		}
	}
	// The first document needs no digest: no program relies on one.
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

// unseen names a server of the zone that doesn't have a digest, "" if all have it.
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
